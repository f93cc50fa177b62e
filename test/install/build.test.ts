import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/node';
import { TOOLS, fakeLibtorch, folder, install, removeFolders, write } from './support';

afterAll(removeFolders);

// Records the options as CMake does, and prints when it configures. The addon is ours, or the one that ADDON names.
const cmake = `case "$1" in
--version) echo "cmake version 3.25.1";;
--build) mkdir -p "$HOME/build/Release"; cp "\${ADDON:-${join(root, 'build/Release/resnet.node')}}" "$HOME/build/Release/resnet.node";;
*) echo CONFIGURED "$@"
  : > "$HOME/build/build.ninja"
  mkdir -p "$HOME/build/CMakeFiles"
  { echo "CMAKE_HOME_DIRECTORY:INTERNAL=$1"
    for a; do case "$a" in -D*) v=\${a#-D}; echo "\${v%%=*}:STRING=\${v#*=}";; esac; done; } > "$HOME/build/CMakeCache.txt";;
esac`;
const PROGRAMS = { ...TOOLS, cmake, mkdir: true, cp: true } as const;

/** A built package and its libtorch. */
async function built(env: NodeJS.ProcessEnv = {}) {
  const LIBTORCH = fakeLibtorch('2.15.0');
  const { code, stdout, stderr, copy } = await install(PROGRAMS, { LIBTORCH, ...env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('CONFIGURED');
  return { LIBTORCH, copy };
}

test('a build records its libtorch, and another one is configured from scratch', async () => {
  const { LIBTORCH, copy } = await built();
  const note: unknown = JSON.parse(readFileSync(join(copy, 'build/libtorch.json'), 'utf8'));
  expect(note).toEqual({ folder: LIBTORCH, way: 'LIBTORCH', version: '2.15.0' });

  const again = await install(PROGRAMS, { LIBTORCH }, copy);
  expect(again.stdout).not.toContain('CONFIGURED');
  expect(again.stdout).toContain('the addon is built, and loads');
  const other = await install(PROGRAMS, { LIBTORCH: fakeLibtorch('2.15.0') }, copy);
  expect(other.stdout).toContain('CONFIGURED');
});

test("a folder that was moved is configured from scratch, without CMake's record of the old place", async () => {
  const { LIBTORCH, copy } = await built();
  write(join(copy, 'build/CMakeFiles/old'));
  const moved = join(folder(), 'moved');
  renameSync(copy, moved);
  const { code, stdout } = await install(PROGRAMS, { LIBTORCH }, moved);
  expect(stdout).toContain('CONFIGURED');
  expect(existsSync(join(moved, 'build/CMakeFiles/old'))).toBe(false);
  expect(code).toBe(0);
});

test.each<[string, (text: string) => string, boolean]>([
  ["other packages' headers", (text) => text.replace(/^(CMAKE_JS_INC:\w+=).*$/m, '$1/elsewhere/include'), true],
  ['another architecture of Node', (text) => text.replace(/^(NODE_ARCH:\w+=).*$/m, '$1mips'), true],
  ['another version of Node', (text) => text.replace(/^(NODE_RUNTIMEVERSION:\w+=).*$/m, '$122.0.0'), false],
])('a build folder configured with %s', async (_name, change, anew) => {
  const { LIBTORCH, copy } = await built();
  const file = join(copy, 'build/CMakeCache.txt');
  const text = readFileSync(file, 'utf8');
  expect(change(text)).not.toBe(text);
  writeFileSync(file, change(text));
  const { stdout } = await install(PROGRAMS, { LIBTORCH }, copy);
  expect(stdout.includes('CONFIGURED')).toBe(anew);
});

test('a failed configuration is started again', async () => {
  const { LIBTORCH, copy } = await built();
  rmSync(join(copy, 'build/build.ninja'));
  expect((await install(PROGRAMS, { LIBTORCH }, copy)).stdout).toContain('CONFIGURED');
});

test('CXX alone is enough, whatever its name; another compiler is configured from scratch', async () => {
  const programs: Record<string, string | true> = { ...PROGRAMS, 'my-compiler': 'exit 0', another: 'exit 0' };
  delete programs['g++'];
  const LIBTORCH = fakeLibtorch('2.15.0');
  const first = await install(programs, { LIBTORCH, CXX: 'my-compiler' });
  expect(first.stderr).toBe('');
  expect(first.stdout).toContain('-DCMAKE_CXX_COMPILER=my-compiler');
  const again = await install(programs, { LIBTORCH, CXX: 'my-compiler' }, first.copy);
  expect(again.stdout).not.toContain('CONFIGURED');
  const other = await install(programs, { LIBTORCH, CXX: 'another' }, first.copy);
  expect(other.stdout).toContain('-DCMAKE_CXX_COMPILER=another');
  const none = await install(PROGRAMS, { LIBTORCH }, first.copy);
  expect(none.stdout).toContain('CONFIGURED');
  expect(none.stdout).not.toContain('CMAKE_CXX_COMPILER');
});

test('a failed build is reported', async () => {
  const failing = '[ "$1" = --version ] && echo "cmake version 3.25.1" || exit 1';
  const { code, stderr, copy } = await install({ ...TOOLS, cmake: failing }, { LIBTORCH: fakeLibtorch('2.15.0') });
  expect(stderr).toContain('The addon could not be built');
  expect(existsSync(join(copy, 'build/libtorch.json'))).toBe(false);
  expect(code).toBe(1);
});

describe('an addon that does not load', () => {
  test("quotes the loader, and says what to do about the user's libtorch", async () => {
    const ADDON = join(folder(), 'junk');
    write(ADDON, 'no library');
    const LIBTORCH = fakeLibtorch('2.15.0');
    const { code, stdout, stderr } = await install(PROGRAMS, { LIBTORCH, ADDON });
    expect(stderr).toMatch(/was built, but does not load\.\n {2}.*resnet\.node.*(too short|invalid ELF|not a mach-o)/i);
    expect(stderr).toContain(`What to do: Make ${LIBTORCH} a complete libtorch 2.15.0`);
    expect(stderr).toContain('unset LIBTORCH');
    expect(stdout).not.toContain('loads');
    expect(code).toBe(1);
  });

  test('or crashes, says so', async () => {
    const crash = join(folder(), 'crash.js');
    write(crash, `if (process.argv.at(-1).endsWith('resnet.node')) process.kill(process.pid, 'SIGILL');`);
    const LIBTORCH_RESNET_CACHE = folder();
    const torch = join(LIBTORCH_RESNET_CACHE, `libtorch-2.15.0-cpu-${process.platform}-${process.arch}/torch`);
    fakeLibtorch('2.15.0', torch);
    const env = { LIBTORCH_RESNET_CACHE, NODE_OPTIONS: `--require=${crash}` };
    const { code, stderr } = await install(PROGRAMS, env);
    expect(stderr).toContain('does not load.\n  It ended with SIGILL.');
    expect(stderr).toContain(`What to do: Remove ${torch}`);
    expect(code).toBe(1);
  });
});
