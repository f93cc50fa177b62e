'use strict';
/** What building the addon needs besides libtorch: a C++20 compiler, CMake, and ninja or make. */
const { spawnSync } = require('node:child_process');
const { Failure } = require('./failures');

const COMPILERS = ['g++', 'clang++']; // cmake-js insists on one of these names, unless CXX names another
const OLDEST_CMAKE = [3, 18];

function firstLine(command, args, env) {
  const { status, stdout } = spawnSync(command, args, { env, encoding: 'utf8' });
  return status === 0 ? stdout.split('\n')[0].trim() : undefined;
}

/** The compiler that CMake will take: `{ command, version }`, or undefined. */
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

// Each refuses at once what the build would refuse after half a gigabyte of download.

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
  if (cmake === undefined || major < OLDEST_CMAKE[0] || (major === OLDEST_CMAKE[0] && minor < OLDEST_CMAKE[1])) {
    throw new Failure('cmake', { found: cmake });
  }
}

function checkMake(env) {
  if (!['ninja', 'make'].some((tool) => firstLine(tool, ['--version'], env) !== undefined)) throw new Failure('make');
}

module.exports = { checkCMake, checkCompiler, checkMake, cmakeVersion, compilerFacts };
