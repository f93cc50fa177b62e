import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../support/node';
import { findIn, folder, notingPython, pipEnv, removeFolders, tinyTorch, write } from './support';

afterAll(removeFolders);

const PLACE = `libtorch-2.15.0-cpu-${process.platform}-${process.arch}`;
const ESCAPED = 'escaped';

test('fetches once, unpacks only what is needed, and leaves nothing else', async () => {
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

test("the CUDA variant unpacks every shared library except Python's, and no development files", async () => {
  const { wheels, lock } = tinyTorch({
    'torch/lib/libtorch_python.so': 'x',
    'torch/lib/libc10_cuda.so': 'x',
    'torch/lib/libshm/libshm.h': 'x',
    'nvidia/cudnn/lib/libcudnn.so.9': 'x',
    'nvidia/cudnn/include/cudnn.h': 'x',
    'nvidia/cu13/lib/libnvrtc-builtins.so.13.2': 'x',
    'nvidia/cu13/lib/libcudart_static.a': 'x',
    'nvidia/cu13/cccl/lib/cmake/cccl/cccl-config.cmake': 'x',
    'nvidia/nvshmem/lib/libnvshmem_device_sm_90.bc': 'x',
  });
  const cache = folder();
  await findIn({ ...pipEnv(wheels, cache), LIBTORCH_VARIANT: 'cuda' }, lock);
  const place = join(cache, PLACE.replace('cpu', 'cuda'));
  const libraries = readdirSync(place, { recursive: true, encoding: 'utf8' }).filter((file) => /lib\/.*\./.test(file));
  expect(libraries.sort()).toEqual([
    'nvidia/cu13/lib/libnvrtc-builtins.so.13.2',
    'nvidia/cudnn/lib/libcudnn.so.9',
    'torch/lib/libc10.so',
    'torch/lib/libc10_cuda.so',
    'torch/lib/libtorch_cpu.so',
    'torch/lib/libtorch_cuda.so',
  ]);
  expect(existsSync(join(place, 'torch/include/ATen/ATen.h'))).toBe(true);
  expect(readdirSync(join(place, 'nvidia/cudnn'))).toEqual(['lib']);
});

const NOTHING_SET = { PIP_RETRIES: undefined, PIP_TIMEOUT: undefined, PIP_DEFAULT_TIMEOUT: undefined };

test.each<[string, NodeJS.ProcessEnv, string, string[]]>([
  ['nothing', {}, '', ['--retries 2', '--timeout 15']],
  ['PIP_RETRIES', { PIP_RETRIES: '7' }, '', ['--timeout 15']],
  ['PIP_DEFAULT_TIMEOUT', { PIP_DEFAULT_TIMEOUT: '77' }, '', ['--retries 2']],
  ['pip.conf', {}, '[global]\ntimeout = 77\n[download]\nretries = 7\n', []],
  ["another command's", {}, '[install]\ntimeout = 77\n', ['--retries 2', '--timeout 15']],
])("the user's settings of pip's retries and timeout win: %s", async (_name, env, conf, expected) => {
  const { wheels, lock } = tinyTorch();
  const { PATH, notes } = notingPython();
  const PIP_CONFIG_FILE = join(folder(), 'pip.conf');
  write(PIP_CONFIG_FILE, conf);
  const { code } = await findIn({ ...pipEnv(wheels, folder()), PATH, PIP_CONFIG_FILE, ...NOTHING_SET, ...env }, lock);
  expect(code).toBe(0);
  expect(readFileSync(notes, 'utf8').match(/--(retries|timeout) \d+/g) ?? []).toEqual(expected);
});

test('PIP_REQUIRE_VIRTUALENV does not prevent the download', async () => {
  const { wheels, lock } = tinyTorch();
  const env = { ...pipEnv(wheels, folder()), PIP_REQUIRE_VIRTUALENV: '1', VIRTUAL_ENV: undefined };
  expect(await findIn(env, lock)).toMatchObject({ code: 0, stderr: '' });
});

test('for a wrong hash, the message has both, and nothing is left', async () => {
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
  'a wheel that contains %s is rejected before anything is unpacked',
  async (name) => {
    const { wheels } = tinyTorch({ [name]: 'x' });
    const target = join(folder(), 'target');
    const { code, stderr } = await run('python3', ['scripts/libtorch/unpack.py', wheels, target, '']);
    expect(stderr).toContain(`names a file outside its folder: ${name}`);
    expect(code).toBe(1);
    expect(existsSync(target)).toBe(false);
  },
);
