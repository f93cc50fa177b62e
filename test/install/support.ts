import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root, run, type Ended } from '../support/node';

const folders: string[] = [];

/** An empty folder that `removeFolders` removes. */
export function folder(): string {
  const made = realpathSync(mkdtempSync(join(tmpdir(), 'resnet-install-')));
  folders.push(made);
  return made;
}

export function removeFolders(): void {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
}

export function write(file: string, text = ''): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const SUFFIX = process.platform === 'darwin' ? 'dylib' : 'so';

/** The files that make a folder a libtorch. */
export function libtorchFiles(version: string): Record<string, string> {
  const [major, minor, patch] = version.split('.');
  return {
    'include/ATen/ATen.h': '',
    'include/torch/headeronly/version.h': `#define TORCH_VERSION_MAJOR ${major}\n#define TORCH_VERSION_MINOR ${minor}\n#define TORCH_VERSION_PATCH ${patch}\n`,
    [`lib/libtorch_cpu.${SUFFIX}`]: 'cpu',
    [`lib/libc10.${SUFFIX}`]: 'c10',
  };
}

export function fakeLibtorch(version: string, at = folder()): string {
  for (const [name, text] of Object.entries(libtorchFiles(version))) write(join(at, name), text);
  return at;
}

/** A wheel with these files, and its hash. */
export function wheel(file: string, entries: Record<string, string>): string {
  const script = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as archive:
    for name, text in json.load(sys.stdin).items(): archive.writestr(name, text)
`;
  execFileSync('python3', ['-c', script, file], { input: JSON.stringify(entries) });
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

export interface Lock {
  version: string;
  platforms: Record<string, { name: string; version: string; file: string; sha256: string; variants: string[] }[]>;
}

/** A folder with a tiny torch wheel, and the lock that pins it. */
export function tinyTorch(extra: Record<string, string> = {}): { wheels: string; lock: Lock } {
  const wheels = folder();
  const file = 'torch-2.15.0-cp312-cp312-manylinux_2_28_x86_64.whl';
  const entries: Record<string, string> = {
    'torch-2.15.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: torch\nVersion: 2.15.0\n',
    'torch-2.15.0.dist-info/WHEEL':
      'Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp312-cp312-manylinux_2_28_x86_64\n',
    'torch-2.15.0.dist-info/RECORD': '',
    'torch/__init__.py': 'not wanted',
    'torch/lib/libtorch_cuda.so': 'not wanted for cpu',
    ...Object.fromEntries(Object.entries(libtorchFiles('2.15.0')).map(([name, text]) => [`torch/${name}`, text])),
    ...extra,
  };
  const sha256 = wheel(join(wheels, file), entries);
  const platform = `${process.platform}-${process.arch}`;
  const files = [{ name: 'torch', version: '2.15.0', file, sha256, variants: ['cpu', 'cuda'] }];
  return { wheels, lock: { version: '2.15.0', platforms: { [platform]: files } } };
}

/** An environment in which pip sees only these wheels. */
export function pipEnv(wheels: string, cache: string): NodeJS.ProcessEnv {
  return {
    ...bare(),
    PIP_NO_INDEX: '1',
    PIP_FIND_LINKS: wheels,
    LIBTORCH_RESNET_CACHE: cache,
  };
}

/** Our environment without the variables that choose a libtorch. */
export function bare(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of Object.keys(env)) {
    if (name.startsWith('LIBTORCH') || name === 'INIT_CWD' || name === 'CXX') Reflect.deleteProperty(env, name);
  }
  return env;
}

/** Runs findLibtorch with a test's lock, in a Node process of its own. */
export function findIn(env: NodeJS.ProcessEnv, lock: Lock): Promise<Ended> {
  return run(process.execPath, findArguments(lock), { env });
}

/** The arguments of the Node process that {@link findIn} starts. */
export function findArguments(lock: Lock): string[] {
  const source = `
const { findLibtorch } = require('./scripts/libtorch/find');
try {
  console.log('FOUND ' + JSON.stringify(findLibtorch({ lock: JSON.parse(process.argv[1]), log: console.log })));
} catch (error) {
  console.error(error.code, error.message, error.remedy);
  process.exitCode = 1;
}`;
  return ['-e', source, JSON.stringify(lock)];
}

/** The real Python, but `pip download` appends its arguments to `notes` and then runs `pause` (shell). */
export function notingPython(pause = ''): { PATH: string; notes: string } {
  const notes = join(folder(), 'notes');
  writeFileSync(notes, '');
  const python = execFileSync('which', ['python3'], { encoding: 'utf8' }).trim();
  const script = `case "$*" in *" download "*) echo "$@" >> ${notes}; ${pause};; esac; exec ${python} "$@"`;
  return { PATH: `${pathOf({ python3: script })}:${process.env.PATH}`, notes };
}

/** A PATH with only these programs: shell scripts, or the real program for `true`. */
export function pathOf(programs: Record<string, string | true>): string {
  const bin = folder();
  for (const [name, script] of Object.entries(programs)) {
    const file = join(bin, name);
    if (script === true) {
      symlinkSync(realpathSync(execFileSync('which', [name], { encoding: 'utf8' }).trim()), file);
    } else {
      writeFileSync(file, `#!/bin/sh\n${script}\n`);
      chmodSync(file, 0o755);
    }
  }
  return bin;
}

// Programs that pass the checks without doing anything.
export const TOOLS = {
  'g++': 'echo "g++ 12"',
  cmake: 'echo "cmake version 3.25.1"',
  ninja: 'echo 1.11',
  python3: '[ "$1" = --version ] && echo Python 3.11.2 || echo "pip 23.0 from /x"',
};

/** Runs the install script in a copy of the package, with only these programs on the PATH. */
export async function install(
  programs: Record<string, string | true>,
  env: NodeJS.ProcessEnv = {},
  copy = packageCopy(),
): Promise<Ended & { copy: string }> {
  const ended = await run(process.execPath, ['scripts/install.js'], {
    cwd: copy,
    env: {
      ...Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined])),
      ...env,
      PATH: pathOf(programs),
      HOME: copy,
    },
  });
  return { ...ended, copy };
}

/** A copy of the published package, as far as the install needs it. */
export function packageCopy(): string {
  const copy = folder();
  execFileSync('cp', ['-r', join(root, 'scripts'), join(root, 'package.json'), join(root, 'CMakeLists.txt'), copy]);
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}
