'use strict';
/** Builds the addon against a libtorch, records which one it was, and checks that the addon loads. */
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { Failure } = require('./failures');

const ROOT = path.join(__dirname, '..');
const BUILD = path.join(ROOT, 'build');
const RECORD = path.join(BUILD, 'libtorch.json');
const ADDON = path.join(BUILD, 'Release', 'resnet.node');

/** @param {{ folder: string, way: string, version: string, variant?: string }} libtorch as findLibtorch returns it */
function buildAddon(libtorch, env) {
  const developer = fs.existsSync(path.join(ROOT, 'test')); // test/ is not published
  const options = {
    LIBTORCH_DIR: libtorch.folder,
    NODE_ADDON_API_DIR: path.dirname(require.resolve('node-addon-api/package.json')),
    RESNET_WERROR: developer ? 'ON' : 'OFF',
    RESNET_CXX: env.CXX || undefined, // for isConfigured: CMake records only the path of the compiler
  };
  const configured = isConfigured(options);
  // Changed options affect every command, and CMake refuses a cache of another folder or compiler: start over.
  if (!configured) for (const name of ['CMakeCache.txt', 'CMakeFiles']) remove(path.join(BUILD, name));
  // Once there is a build folder, cmake-js ignores options, and would keep the previous libtorch.
  for (const step of configured ? ['build'] : ['configure', 'build']) {
    const { status } = spawnSync(
      process.execPath,
      [
        require.resolve('cmake-js/bin/cmake-js'),
        step,
        ...Object.entries(options).map(([name, value]) => `--CD${name}=${value ?? ''}`), // without a value, cmake-js leaves it out
        // If both are given, it accepts any compiler, not only g++ or clang++. The C compiler is not used.
        ...(env.CXX ? [`--cxx=${env.CXX}`, `--cc=${env.CC || 'cc'}`] : []),
      ],
      { cwd: ROOT, env, stdio: 'inherit' },
    );
    if (status !== 0) throw new Failure('build', { folder: libtorch.folder });
  }
  fs.mkdirSync(path.dirname(RECORD), { recursive: true });
  fs.writeFileSync(RECORD, `${JSON.stringify(libtorch, null, 2)}\n`);
}

function remove(place) {
  fs.rmSync(place, { recursive: true, force: true });
}

/**
 * Whether the build folder is completely configured with exactly these options, for Node's architecture, with the
 * headers of this cmake-js, and in this place (folders get moved and copied). Node's version does not matter.
 */
function isConfigured(options) {
  if (!['build.ninja', 'Makefile'].some((file) => fs.existsSync(path.join(BUILD, file)))) return false;
  let text;
  try {
    text = fs.readFileSync(path.join(BUILD, 'CMakeCache.txt'), 'utf8');
  } catch {
    return false;
  }
  const cache = new Map([...text.matchAll(/^(\w+):[A-Z]+=(.*)$/gm)].map(([, name, value]) => [name, value]));
  const expected = { ...options, CMAKE_HOME_DIRECTORY: ROOT, NODE_ARCH: process.arch };
  return (
    Object.entries(expected).every(([name, value]) => cache.get(name) === value) &&
    cache.get('CMAKE_JS_INC')?.split(';')[0] === nodeApiHeaders()
  );
}

/** cmake-js's copy of the Node-API headers, which are the same for every version of Node. */
function nodeApiHeaders() {
  const cmakeJs = path.dirname(require.resolve('cmake-js/package.json'));
  return require(require.resolve('node-api-headers', { paths: [cmakeJs] })).include_dir;
}

const LOAD = `
try {
  process.dlopen({ exports: {} }, process.argv[1]);
} catch ({ message }) {
  process.stderr.write(message);
  process.exitCode = 1;
}`;

/** Loads the addon in another process, so that a loader error is reported now and not at the first use. */
function checkAddon(libtorch, env) {
  const { status, signal, stderr } = spawnSync(process.execPath, ['-e', LOAD, ADDON], { env, encoding: 'utf8' });
  if (status === 0) return;
  throw new Failure('load', { ...libtorch, output: `${stderr}\n${signal ? `It ended with ${signal}.` : ''}` });
}

/** The libtorch of the last complete build, if any. */
function builtWith() {
  try {
    return JSON.parse(fs.readFileSync(RECORD, 'utf8'));
  } catch {
    return undefined;
  }
}

module.exports = { ADDON, ROOT, buildAddon, builtWith, checkAddon };
