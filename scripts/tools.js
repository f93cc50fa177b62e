'use strict';
/** The tools that building the addon needs: a C++20 compiler, CMake, and ninja or make. */
const { spawnSync } = require('node:child_process');
const { Failure } = require('./failures');

const COMPILERS = ['g++', 'clang++']; // the names that cmake-js accepts, unless CXX is set
const MIN_CMAKE = [3, 18];

function firstLine(command, args, env) {
  const { status, stdout } = spawnSync(command, args, { env, encoding: 'utf8' });
  return status === 0 ? stdout.split('\n')[0].trim() : undefined;
}

/** The compiler that CMake will use: `{ command, version }`, or undefined. */
function compilerFacts(env) {
  for (const command of env.CXX ? [env.CXX] : COMPILERS) {
    const version = firstLine(command, ['--version'], env);
    if (version !== undefined) return { command, version };
  }
  return undefined;
}

/** CMake's version, or undefined. */
function cmakeVersion(env) {
  return /(\d+\.\d+\S*)/.exec(firstLine('cmake', ['--version'], env) ?? '')?.[1];
}

// These checks run first, so that a missing tool is not reported only after half a gigabyte of download.

function checkCompiler(env) {
  const compiler = compilerFacts(env);
  if (compiler === undefined) {
    throw new Failure('compiler', { tried: env.CXX || COMPILERS.join(', '), set: Boolean(env.CXX) });
  }
  const { status, stderr } = spawnSync(compiler.command, ['-std=c++20', '-fsyntax-only', '-x', 'c++', '-'], {
    env,
    encoding: 'utf8',
    input: '#include <concepts>\n',
  });
  if (status !== 0) throw new Failure('standard', { compiler: compiler.command, output: stderr });
}

function checkCMake(env) {
  const cmake = cmakeVersion(env);
  const [major = 0, minor = 0] = (cmake ?? '').split('.').map(Number);
  if (cmake === undefined || major < MIN_CMAKE[0] || (major === MIN_CMAKE[0] && minor < MIN_CMAKE[1])) {
    throw new Failure('cmake', { found: cmake });
  }
}

function checkMake(env) {
  if (!['ninja', 'make'].some((tool) => firstLine(tool, ['--version'], env) !== undefined)) throw new Failure('make');
}

module.exports = { checkCMake, checkCompiler, checkMake, cmakeVersion, compilerFacts };
