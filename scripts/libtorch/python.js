'use strict';
/** The Python that fetches and unpacks libtorch, or whose PyTorch LIBTORCH_USE_PYTORCH=1 uses. */
const { spawnSync } = require('node:child_process');
const { Failure } = require('../failures');

const CANDIDATES = ['python3', 'python'];

/** The first Python 3 on the PATH: `{ command, version }`, or undefined. */
function pythonFacts(env) {
  for (const command of CANDIDATES) {
    const { status, stdout, stderr } = spawnSync(command, ['--version'], { env, encoding: 'utf8' });
    const version = /^Python (3\.\S+)/.exec(`${stdout}${stderr}`)?.[1]; // both are null if it does not start
    if (status === 0 && version !== undefined) return { command, version };
  }
  return undefined;
}

/** As {@link pythonFacts}, but fails if there is none. */
function findPython(env) {
  const python = pythonFacts(env);
  if (python === undefined) throw new Failure('python', { tried: CANDIDATES.join(', ') });
  return python;
}

/** pip's version, or undefined with the error in `output`. */
function pipFacts(python, env) {
  const { status, stdout, stderr } = spawnSync(python.command, ['-m', 'pip', '--version'], { env, encoding: 'utf8' });
  const version = /^pip (\S+)/.exec(stdout ?? '')?.[1];
  return { version: status === 0 ? version : undefined, output: stderr };
}

/** The names of the pip options for downloads that are set in the environment or in pip.conf. */
function pipSettings(python, env) {
  const { stdout } = spawnSync(python.command, ['-m', 'pip', 'config', 'list'], { env, encoding: 'utf8' });
  const names = (stdout ?? '').matchAll(/^(?:global|download|:env:)\.([\w-]+)=/gm);
  return new Set([...names].map(([, name]) => name.replaceAll('_', '-')));
}

/** A Python that has pip. */
function findPip(env) {
  const python = findPython(env);
  const { version, output } = pipFacts(python, env);
  if (version === undefined) throw new Failure('pip', { python: python.command, output });
  return python;
}

/** The folder of Python's package torch (include/ and lib/ are libtorch), without importing it. */
function findPyTorch(env, required) {
  const python = findPython(env);
  const ask =
    'import importlib.util as u; s = u.find_spec("torch"); print(s.submodule_search_locations[0] if s else "")';
  const { stdout } = spawnSync(python.command, ['-c', ask], { env, encoding: 'utf8' });
  const folder = (stdout ?? '').trim();
  if (folder === '') throw new Failure('pytorch', { python: python.command, required });
  return folder;
}

module.exports = { findPip, findPyTorch, findPython, pipFacts, pipSettings, pythonFacts };
