import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/node';
import { until } from '../support/until';
import { findArguments, findIn, folder, notingPython, pipEnv, removeFolders, tinyTorch, write } from './support';

afterAll(removeFolders);

const PLACE = `libtorch-2.15.0-cpu-${process.platform}-${process.arch}`;

const countDownloads = (notes: string): number => readFileSync(notes, 'utf8').split('\n').length - 1;

test('two installs at once both end well: the second finds the folder of the first, and it is never incomplete', async () => {
  const { wheels, lock } = tinyTorch();
  const cache = folder();
  const { PATH, notes } = notingPython('sleep 2');
  const env = { ...pipEnv(wheels, cache), PATH };
  const done = Promise.all([findIn(env, lock), findIn(env, lock)]);
  let running = true;
  void done.finally(() => (running = false));
  const seen = new Set<string>();
  while (running) {
    if (existsSync(join(cache, PLACE)))
      seen.add(
        readdirSync(join(cache, PLACE, 'torch'))
          .sort()
          .join(),
      );
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const both = await done;
  for (const { code, stderr } of both) expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const ways = both.map(({ stdout }) => (JSON.parse(stdout.split('FOUND ')[1]!) as { way: string }).way);
  expect(ways.sort()).toEqual(['cache', 'fetched']);
  expect(countDownloads(notes)).toBe(2);
  expect([...seen]).toEqual(['include,lib']);
  expect(readdirSync(cache)).toEqual([PLACE]);
});

describe('beside an install that hangs in pip', () => {
  let first: ChildProcess;
  let cache: string;
  const { wheels, lock } = tinyTorch();

  beforeEach(async () => {
    cache = folder();
    const { PATH, notes } = notingPython('sleep 600');
    const env = { ...process.env, ...pipEnv(wheels, cache), PATH };
    first = spawn(process.execPath, findArguments(lock), { cwd: root, env, stdio: 'ignore', detached: true });
    await until(() => countDownloads(notes) === 1);
  });
  afterEach(() => {
    process.kill(-first.pid!, 'SIGKILL'); // with its pip
  });

  test('another one does not wait, and leaves its files alone', async () => {
    const { code, stdout } = await findIn(pipEnv(wheels, cache), lock);
    expect(stdout).toContain('"way":"fetched"');
    expect(code).toBe(0);
    expect(readdirSync(cache)).toEqual([expect.stringMatching(/^\.tmp-/), PLACE]);
  });
});

test('the folders of killed installs are removed after a day, and a damaged libtorch is replaced', async () => {
  const { wheels, lock } = tinyTorch();
  const cache = folder();
  for (const [name, hours] of [
    ['.tmp-killed', 25],
    ['.tmp-running', 23],
  ] as const) {
    write(join(cache, name, 'wheels/half.whl'), 'half');
    const then = Date.now() / 1000 - hours * 3600;
    utimesSync(join(cache, name), then, then);
  }
  mkdirSync(join(cache, PLACE, 'torch/include'), { recursive: true });

  const { code, stderr } = await findIn(pipEnv(wheels, cache), lock);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(readdirSync(cache).sort()).toEqual(['.tmp-running', PLACE]);
  expect(readdirSync(join(cache, PLACE, 'torch')).sort()).toEqual(['include', 'lib']);
});

test.each<[string, (place: string) => void]>([
  ['a file', (place) => write(place, 'not a folder')],
  ['a link to nowhere', (place) => symlinkSync('nowhere', place)],
])('%s where libtorch belongs is replaced', async (_, put) => {
  const { wheels, lock } = tinyTorch();
  const cache = folder();
  put(join(cache, PLACE));
  const { code, stderr } = await findIn(pipEnv(wheels, cache), lock);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(readdirSync(cache)).toEqual([PLACE]);
  expect(readdirSync(join(cache, PLACE, 'torch')).sort()).toEqual(['include', 'lib']);
});
