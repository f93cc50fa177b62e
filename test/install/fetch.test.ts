import { existsSync, mkdirSync, readdirSync, utimesSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { run } from '../support/node';
import { findIn, folder, pipEnv, removeFolders, tinyTorch, write } from './support';

afterAll(removeFolders);

const PLACE = `libtorch-2.15.0-cpu-${process.platform}-${process.arch}`;
const ESCAPED = 'escaped';

test('fetches once, only what is wanted, and leaves nothing else', async () => {
  const { wheels, lock } = tinyTorch();
  const cache = folder();
  const first = await findIn(pipEnv(wheels, cache), lock);
  expect(first.stderr).toBe('');
  expect(first.stdout).toContain('"way":"fetched"');
  expect(readdirSync(cache)).toEqual([PLACE]);
  expect(readdirSync(join(cache, PLACE))).toEqual(['torch']);
  expect(readdirSync(join(cache, PLACE, 'torch')).sort()).toEqual(['include', 'lib']);
  expect(readdirSync(join(cache, PLACE, 'torch/lib')).sort()).toEqual(['libc10.so', 'libtorch_cpu.so']);

  const second = await findIn(pipEnv(folder(), cache), lock); // no wheels: a fetch would fail
  expect(second.stdout).toContain('"way":"cache"');
});

test('the CUDA variant unpacks every library', async () => {
  const { wheels, lock } = tinyTorch({ 'nvidia/cudnn/lib/libcudnn.so.9': 'x', 'nvidia/cudnn/include/cudnn.h': 'x' });
  const cache = folder();
  await findIn({ ...pipEnv(wheels, cache), LIBTORCH_VARIANT: 'cuda' }, lock);
  const place = join(cache, PLACE.replace('cpu', 'cuda'));
  expect(readdirSync(join(place, 'torch/lib'))).toContain('libtorch_cuda.so');
  expect(readdirSync(join(place, 'nvidia/cudnn'))).toEqual(['lib']);
});

test('two installs at once both succeed', async () => {
  const { wheels, lock } = tinyTorch();
  const cache = folder();
  const both = await Promise.all([findIn(pipEnv(wheels, cache), lock), findIn(pipEnv(wheels, cache), lock)]);
  for (const { code, stdout } of both) {
    expect(stdout).toContain('FOUND');
    expect(code).toBe(0);
  }
  expect(readdirSync(cache)).toEqual([PLACE]);
});

test("a killed install's leftovers go, a running one's stay, and a damaged place is replaced", async () => {
  const { wheels, lock } = tinyTorch();
  const cache = folder();
  const dead = await run(process.execPath, ['-p', 'process.pid']);
  const killed = `.tmp-${dead.stdout.trim()}@${hostname()}-abc`;
  const running = `.tmp-${process.pid}@${hostname()}-abc`;
  const elsewhere = `.tmp-${dead.stdout.trim()}@another-host-abc`;
  const ancient = `.tmp-${process.pid}@another-host-def`;
  for (const name of [killed, running, elsewhere, ancient]) write(join(cache, name, 'wheels/half.whl'));
  utimesSync(join(cache, ancient), 0, 0);
  mkdirSync(join(cache, PLACE, 'torch/include'), { recursive: true });

  const { code, stderr } = await findIn(pipEnv(wheels, cache), lock);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(readdirSync(cache).sort()).toEqual([running, elsewhere, PLACE].sort());
  expect(readdirSync(join(cache, PLACE, 'torch')).sort()).toEqual(['include', 'lib']);
});

test('a wrong hash shows both and leaves nothing', async () => {
  const { wheels, lock } = tinyTorch();
  const file = Object.values(lock.platforms)[0]![0]!;
  const actual = file.sha256;
  file.sha256 = 'ab'.repeat(32);
  const cache = folder();
  const { code, stderr } = await findIn(pipEnv(wheels, cache), lock);
  expect(stderr).toContain(`expected sha256 ${file.sha256}`);
  expect(stderr).toContain(`actual   sha256 ${actual}`);
  expect(stderr).toContain('torch');
  expect(code).toBe(1);
  expect(readdirSync(cache)).toEqual([]);
});

test.each([`../${ESCAPED}`, `torch/include/../../../${ESCAPED}`, `/tmp/${ESCAPED}`, `torch\\..\\..\\${ESCAPED}`])(
  'a wheel that names %s is refused whole',
  async (name) => {
    const { wheels } = tinyTorch({ [name]: 'x' });
    const target = join(folder(), 'target');
    const { code, stderr } = await run('python3', ['scripts/libtorch/unpack.py', wheels, target, '']);
    expect(stderr).toContain(`names a file outside its folder: ${name}`);
    expect(code).toBe(1);
    expect(existsSync(target)).toBe(false);
  },
);
