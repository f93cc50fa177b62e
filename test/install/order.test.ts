import { join } from 'node:path';
import { fakeLibtorch, folder, pathOf, removeFolders, write } from './support';

const { cudaHint, findLibtorch } = require('../../scripts/libtorch/find');
const { hasNvidiaDriver } = require('../../scripts/libtorch/platform');

afterAll(removeFolders);

const machine = { platform: process.platform, arch: 'x64' };
const fetch = jest.fn<boolean, [{ place: string }]>(() => true);
const find = (env: NodeJS.ProcessEnv) => findLibtorch({ env, fetch, machine });

/** An environment with all four ways open. */
function everything() {
  const packages = folder();
  write(join(packages, 'torch/__init__.py'), 'raise SystemExit("must not be imported")');
  fakeLibtorch('2.15.0', join(packages, 'torch'));
  const LIBTORCH_RESNET_CACHE = folder();
  const cached = join(LIBTORCH_RESNET_CACHE, `libtorch-2.15.0-cpu-${process.platform}-x64/torch`);
  fakeLibtorch('2.15.0', cached);
  return {
    env: {
      LIBTORCH: fakeLibtorch('2.15.0'),
      LIBTORCH_USE_PYTORCH: '1',
      LIBTORCH_RESNET_CACHE,
      PYTHONPATH: packages,
      PATH: process.env.PATH!,
    },
    packages,
    cached,
  };
}

test('LIBTORCH, then the active Python, then the cache, then pip', () => {
  const { env, packages, cached } = everything();
  expect(find(env)).toEqual({ folder: env.LIBTORCH, way: 'LIBTORCH', version: '2.15.0' });
  const python = { folder: join(packages, 'torch'), way: 'LIBTORCH_USE_PYTORCH', version: '2.15.0' };
  expect(find({ ...env, LIBTORCH: undefined })).toEqual(python);
  const rest = { ...env, LIBTORCH: undefined, LIBTORCH_USE_PYTORCH: undefined };
  expect(find(rest)).toEqual({ folder: cached, way: 'cache', version: '2.15.0', variant: 'cpu' });
  expect(fetch).not.toHaveBeenCalled();
  expect(find({ ...rest, LIBTORCH_RESNET_CACHE: folder() })).toMatchObject({ way: 'fetched' });
  expect(fetch).toHaveBeenCalledTimes(1);
});

test('another variant is another place', () => {
  const { env } = everything();
  const rest = { ...env, LIBTORCH: undefined, LIBTORCH_USE_PYTORCH: undefined };
  fetch.mockClear();
  if (process.platform === 'linux') {
    expect(find({ ...rest, LIBTORCH_VARIANT: 'cuda' })).toMatchObject({ way: 'fetched', variant: 'cuda' });
    expect(fetch.mock.calls[0]![0].place).toBe(join(env.LIBTORCH_RESNET_CACHE, 'libtorch-2.15.0-cuda-linux-x64'));
  }
  expect(() => find({ ...rest, LIBTORCH_VARIANT: 'rocm' })).toThrow('LIBTORCH_VARIANT=rocm');
});

test('the version is checked for both ways, and the check can be bypassed', () => {
  const LIBTORCH = fakeLibtorch('2.14.1');
  expect(() => find({ LIBTORCH })).toThrow(`LIBTORCH: ${LIBTORCH} is libtorch 2.14.1, but 2.15.0 is needed.`);
  expect(find({ LIBTORCH, LIBTORCH_BYPASS_VERSION_CHECK: '1' })).toMatchObject({ version: '2.14.1' });

  const { env, packages } = everything();
  fakeLibtorch('2.10.0', join(packages, 'torch'));
  expect(() => find({ ...env, LIBTORCH: undefined })).toThrow('is libtorch 2.10.0, but 2.15.0 is needed');
  const bypassed = find({ ...env, LIBTORCH: undefined, LIBTORCH_BYPASS_VERSION_CHECK: '1' });
  expect(bypassed).toMatchObject({ way: 'LIBTORCH_USE_PYTORCH', version: '2.10.0' });
});

test('a folder that is no libtorch', () => {
  expect(() => find({ LIBTORCH: folder() })).toThrow('is no libtorch: include/ATen/ATen.h is missing');
});

test("a relative LIBTORCH is resolved from the user's working directory", () => {
  const INIT_CWD = folder();
  fakeLibtorch('2.15.0', join(INIT_CWD, 'torch'));
  expect(find({ INIT_CWD, LIBTORCH: 'torch' })).toMatchObject({ folder: join(INIT_CWD, 'torch') });
});

test('a Python without torch', () => {
  const PATH = pathOf({ python3: '[ "$1" = --version ] && echo Python 3.11.2 || echo' });
  expect(() => find({ PATH, LIBTORCH_USE_PYTORCH: '1' })).toThrow('python3 has no package torch');
});

test('one line on CUDA if there is a driver and the CPU variant was chosen', () => {
  const linux = { platform: 'linux', arch: 'x64' };
  expect(cudaHint({ variant: 'cpu', machine: linux, driver: true })).toMatch(
    /LIBTORCH_VARIANT=cuda .* \(2\.7 GB to download, 4\.1 GB unpacked\)$/,
  );
  expect(cudaHint({ variant: 'cpu', machine: linux, driver: false })).toBeUndefined();
  expect(cudaHint({ variant: 'cuda', machine: linux, driver: true })).toBeUndefined();
  expect(cudaHint({ variant: 'cpu', machine: { platform: 'darwin', arch: 'arm64' }, driver: true })).toBeUndefined();
  expect(hasNvidiaDriver([__filename])).toBe(true);
  expect(hasNvidiaDriver([`${__filename}.none`])).toBe(false);
});
