import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root, run } from '../support/node';
import { findArguments, findIn, folder, notingPython, pipEnv, removeFolders, tinyTorch, write } from './support';

const { processSpace } = require('../../scripts/libtorch/turns');
const here: string = processSpace();

afterAll(removeFolders);

const PLACE = `libtorch-2.15.0-cpu-${process.platform}-${process.arch}`;
const QUICK = { beat: 100, look: 50 };

const downloads = (notes: string): number => readFileSync(notes, 'utf8').split('\n').length - 1;
const waitings = (stdout: string): string[] => stdout.match(/^waiting for another install .*$/gm) ?? [];

async function until(what: () => boolean): Promise<void> {
  while (!what()) await sleep(20);
}

/** A work folder as another install has it. */
function work(cache: string, pid: number, space: string, name = PLACE): string {
  const made = join(cache, `.tmp-1000-${pid}@${space}-${name}`);
  write(join(made, 'beat'), '.');
  write(join(made, 'wheels/half.whl'), 'half');
  return made;
}

test('three installs at once fetch once; who waits says so in one line', async () => {
  const { wheels, lock } = tinyTorch();
  const cache = folder();
  const { PATH, notes } = notingPython('sleep 2');
  const env = { ...pipEnv(wheels, cache), PATH };
  const all = await Promise.all([1, 2, 3].map(() => findIn(env, lock)));
  for (const { code, stderr } of all) expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(downloads(notes)).toBe(1);
  const ways = all.map(({ stdout }) => (JSON.parse(stdout.split('FOUND ')[1]!) as { way: string }).way);
  expect(ways.sort()).toEqual(['cache', 'cache', 'fetched']);
  const lines = all.map(({ stdout }) => waitings(stdout));
  expect(lines.map(({ length }) => length).sort()).toEqual([0, 1, 1]);
  expect(lines.flat()[0]).toMatch(/^waiting for another install \(pid \d+\), which is fetching libtorch$/);
  expect(readdirSync(cache)).toEqual([PLACE]);
});

describe('with an install that hangs in pip', () => {
  let first: ChildProcess;
  let cache: string;
  const { wheels, lock } = tinyTorch();

  beforeEach(async () => {
    cache = folder();
    const { PATH, notes } = notingPython('sleep 600');
    const env = { ...process.env, ...pipEnv(wheels, cache), PATH };
    first = spawn(process.execPath, findArguments(lock, QUICK), { cwd: root, env, stdio: 'ignore', detached: true });
    await until(() => downloads(notes) === 1);
  });
  const kill = (): boolean => process.kill(-first.pid!, 'SIGKILL'); // with its pip
  afterEach(() => {
    if (first.signalCode === null) kill();
  });

  test('the second takes over once it is killed, and removes what it left', async () => {
    const second = findIn(pipEnv(wheels, cache), lock, QUICK);
    await until(() => readdirSync(cache).length === 2);
    await sleep(500);
    expect(existsSync(join(cache, PLACE))).toBe(false);
    kill();
    const { code, stdout } = await second;
    expect(waitings(stdout)).toEqual([
      `waiting for another install (pid ${String(first.pid)}), which is fetching libtorch`,
    ]);
    expect(stdout).toContain('"way":"fetched"');
    expect(code).toBe(0);
    expect(readdirSync(cache)).toEqual([PLACE]);
  });

  test('its heart beats all the same', async () => {
    const beat = join(cache, readdirSync(cache)[0]!, 'beat');
    const before = statSync(beat).mtimeMs;
    await until(() => statSync(beat).mtimeMs > before);
  });
});

test("another container's install is waited for as long as its heart beats", async () => {
  const { wheels, lock } = tinyTorch();
  const cache = folder();
  const dead = (await run(process.execPath, ['-p', 'process.pid'])).stdout.trim(); // there it may be alive
  const other = work(cache, Number(dead), 'elsewhere');
  const heart = setInterval(() => write(join(other, 'beat'), '.'), 50);
  const found = findIn(pipEnv(wheels, cache), lock, { ...QUICK, silent: 3_000 });
  await sleep(4_000);
  expect(existsSync(other)).toBe(true);
  expect(existsSync(join(cache, PLACE))).toBe(false);
  clearInterval(heart);
  const { code, stdout } = await found;
  expect(waitings(stdout)).toHaveLength(1);
  expect(code).toBe(0);
  expect(readdirSync(cache)).toEqual([PLACE]);
});

test("killed installs' leftovers go, living ones' stay, and a damaged place is replaced", async () => {
  const { wheels, lock } = tinyTorch();
  const cache = folder();
  const dead = Number((await run(process.execPath, ['-p', 'process.pid'])).stdout);
  const age = (made: string, seconds: number): void => {
    const then = Date.now() / 1000 - seconds;
    utimesSync(join(made, 'beat'), then, then);
  };
  work(cache, dead, here, 'killed');
  const suspended = work(cache, process.pid, here, 'suspended');
  age(suspended, 60);
  age(work(cache, process.pid, here, 'number-used-again'), 3600);
  const elsewhere = work(cache, dead, 'elsewhere', 'living');
  age(work(cache, process.pid, 'elsewhere', 'silent'), 60);
  age(work(cache, process.pid, '', 'unknown-and-silent'), 60);
  mkdirSync(join(cache, PLACE, 'torch/include'), { recursive: true });

  const { code, stdout, stderr } = await findIn(pipEnv(wheels, cache), lock);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(waitings(stdout)).toEqual([]); // none of them fetches what we want
  expect(
    readdirSync(cache)
      .map((name) => join(cache, name))
      .sort(),
  ).toEqual([suspended, elsewhere, join(cache, PLACE)].sort());
  expect(readdirSync(join(cache, PLACE, 'torch')).sort()).toEqual(['include', 'lib']);
});
