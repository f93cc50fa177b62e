import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TOOLS, bare, fakeLibtorch, findIn, folder, install, pipEnv, removeFolders, tinyTorch } from './support';

const { FAILURES, Failure } = require('../../scripts/failures');
const { checkLibc, platformName } = require('../../scripts/libtorch/platform');
const { findLibtorch } = require('../../scripts/libtorch/find');

afterAll(removeFolders);

const noPython: Record<string, string> = { ...TOOLS };
delete noPython.python3;

test.each([
  ['no compiler', { ...TOOLS, 'g++': 'exit 1' }, 'No C++ compiler was found', 'apt install g++'],
  [
    'an old compiler',
    { ...TOOLS, 'g++': '[ "$1" = --version ] || { echo "no c++20" >&2; exit 1; }' },
    'does not compile C++20',
    'GCC 11',
  ],
  ['no CMake', { ...TOOLS, cmake: 'exit 1' }, 'CMake was not found', 'apt install cmake'],
  ['an old CMake', { ...TOOLS, cmake: 'echo cmake version 3.10.2' }, 'CMake 3.10.2 is too old', 'apt install cmake'],
  ['neither ninja nor make', { ...TOOLS, ninja: 'exit 1' }, 'Neither ninja nor make', 'apt install ninja-build'],
  ['no Python', noPython, 'No Python 3 was found', 'apt install python3 python3-pip'],
  [
    'no pip',
    { ...TOOLS, python3: '[ "$1" = --version ] && echo Python 3.11.2 || { echo "No module named pip" >&2; exit 1; }' },
    'No module named pip',
    'apt install python3-pip',
  ],
])('%s ends the install with what to install', async (_name, programs, says, remedy) => {
  const { code, stderr } = await install(programs);
  expect(stderr).toContain(says);
  expect(stderr).toContain(`What to do: `);
  expect(stderr).toContain(remedy);
  expect(code).toBe(1);
});

test('everything that is missing is reported at once', async () => {
  const { code, stdout, stderr } = await install({});
  for (const says of ['No C++ compiler', 'CMake was not found', 'Neither ninja nor make', 'No Python 3']) {
    expect(stderr).toContain(`libtorch-resnet: ${says}`);
  }
  expect(stderr.match(/What to do: /g)).toHaveLength(4);
  expect(stderr.trimEnd().split('\n').at(-1)).toBe(
    'All at once, on Debian: apt install g++ cmake ninja-build python3-pip',
  );
  expect(stdout).toBe(''); // nothing was started
  expect(code).toBe(1);
});

test.each<[string, (cache: string) => NodeJS.ProcessEnv]>([
  ['LIBTORCH', () => ({ LIBTORCH: fakeLibtorch('2.15.0') })],
  [
    'a filled cache',
    (cache) => {
      fakeLibtorch('2.15.0', join(cache, `libtorch-2.15.0-cpu-${process.platform}-${process.arch}/torch`));
      return { LIBTORCH_RESNET_CACHE: cache };
    },
  ],
])('no Python is asked for with %s', async (_name, env) => {
  const { stderr } = await install({}, env(folder()));
  expect(stderr).toContain('No C++ compiler');
  expect(stderr).not.toContain('Python');
});

test('CXX is no program', async () => {
  const { code, stderr } = await install(TOOLS, { CXX: 'ccache g++' });
  expect(stderr).toContain('No C++ compiler was found (tried ccache g++)');
  expect(stderr).toContain('one program, without arguments');
  expect(code).toBe(1);
});

// pip's output, and its meaning.
test.each([
  ['NewConnectionError: Failed to establish a new connection: [Errno -3]', 'The package index cannot be reached'],
  ['OSError: [Errno 28] No space left on device', 'too little space'],
  ['ERROR: No matching distribution found for torch==2.15.0', 'No matching distribution'],
])('pip failing with %p', async (words, says) => {
  const python3 = `case "$*" in --version) echo Python 3.11.2;; "-m pip --version") echo "pip 23.0 from /x";; *) echo "${words}" >&2; exit 1;; esac`;
  const { code, stderr, copy } = await install({ ...TOOLS, python3 });
  expect(stderr).toContain(says);
  expect(code).toBe(1);
  expect(existsSync(join(copy, '.cache/libtorch-resnet'))).toBe(true);
  expect(require('../../scripts/libtorch/cache').cacheContent(join(copy, '.cache/libtorch-resnet'))).toEqual([]);
});

test('being offline is reported soon, with the real pip', async () => {
  const { lock } = tinyTorch();
  const env = {
    ...bare(),
    LIBTORCH_RESNET_CACHE: folder(),
    PIP_INDEX_URL: 'http://127.0.0.1:9/simple',
    PIP_FIND_LINKS: '',
  };
  const begin = Date.now();
  const { code, stderr } = await findIn(env, lock);
  expect(stderr).toContain('offline The package index cannot be reached');
  expect(code).toBe(1);
  expect(Date.now() - begin).toBeLessThan(45_000);
});

test('LIBTORCH_RESNET_SKIP_INSTALL=1 postpones everything, even on an empty PATH', async () => {
  const { code, stdout, copy } = await install({}, { LIBTORCH_RESNET_SKIP_INSTALL: '1' });
  expect(stdout).toContain('postponed');
  expect(existsSync(join(copy, 'build'))).toBe(false);
  expect(code).toBe(0);
});

test('Windows and platforms without a wheel', () => {
  expect(() => platformName({ platform: 'win32', arch: 'x64' })).toThrow('Windows is not supported');
  expect(platformName({ platform: 'linux', arch: 'arm64' })).toBe('linux-arm64');
  const machine = { platform: 'linux', arch: 'riscv64' };
  expect(() => findLibtorch({ env: {}, machine })).toThrow('no libtorch to fetch for linux-riscv64');
  const mac = { platform: 'darwin', arch: 'arm64' };
  expect(() => findLibtorch({ env: { LIBTORCH_VARIANT: 'cuda' }, machine: mac })).toThrow('no such variant, only cpu');
});

test('a C library other than glibc 2.28 or newer', () => {
  expect(() => checkLibc('2.27', 'linux')).toThrow('2.28 or newer; this system has 2.27');
  expect(() => checkLibc(null, 'linux')).toThrow('another one'); // musl
  checkLibc('2.28', 'linux');
  checkLibc('3.0', 'linux');
});

test('too little space is reported before the download', async () => {
  const { wheels, lock } = tinyTorch();
  for (const file of Object.values(lock.platforms).flat()) Object.assign(file, { size: 1e15 });
  const { code, stderr } = await findIn(pipEnv(wheels, folder()), lock);
  expect(stderr).toMatch(/space .* has too little space: about 2000000.0 GB is needed/);
  expect(code).toBe(1);
});

test('every failure has a remedy', () => {
  for (const code of Object.keys(FAILURES)) {
    const failure = new Failure(code, {});
    expect(failure.message.length).toBeGreaterThan(10);
    expect(failure.remedy.length).toBeGreaterThan(10);
  }
});
