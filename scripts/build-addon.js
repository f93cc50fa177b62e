'use strict';
/** Builds the addon against a libtorch, notes which one it was, and tries whether it loads. */
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { Failure } = require('./failures');

const ROOT = path.join(__dirname, '..');
const BUILD = path.join(ROOT, 'build');
const NOTE = path.join(BUILD, 'libtorch.json');
const ADDON = path.join(BUILD, 'Release', 'resnet.node');

/** @param {{ folder: string, way: string, version: string, variant?: string }} libtorch as findLibtorch returns it */
function buildAddon(libtorch, env) {
  const developer = fs.existsSync(path.join(ROOT, 'test')); // not among the published files
  const options = {
    LIBTORCH_DIR: libtorch.folder,
    NODE_ADDON_API_DIR: path.dirname(require.resolve('node-addon-api/package.json')),
    RESNET_WERROR: developer ? 'ON' : 'OFF',
    RESNET_CXX: env.CXX || undefined, // for isConfigured: CMake notes the path that it has found
  };
  const configured = isConfigured(options);
  // What changes an option changes every command. CMake refuses the cache of another folder or compiler.
  if (!configured) for (const name of ['CMakeCache.txt', 'CMakeFiles']) remove(path.join(BUILD, name));
  // cmake-js does not look at options once there is a build folder: it would keep the libtorch of the last time.
  for (const step of configured ? ['build'] : ['configure', 'build']) {
    const { status } = spawnSync(
      process.execPath,
      [
        require.resolve('cmake-js/bin/cmake-js'),
        step,
        ...Object.entries(options).map(([name, value]) => `--CD${name}=${value ?? ''}`), // no value: left out
        // With both named it does not insist on g++ or clang++; the C compiler is not used.
        ...(env.CXX ? [`--cxx=${env.CXX}`, `--cc=${env.CC || 'cc'}`] : []),
      ],
      { cwd: ROOT, env, stdio: 'inherit' },
    );
    if (status !== 0) throw new Failure('build', { folder: libtorch.folder });
  }
  fs.mkdirSync(path.dirname(NOTE), { recursive: true });
  fs.writeFileSync(NOTE, `${JSON.stringify(libtorch, null, 2)}\n`);
}

function remove(place) {
  fs.rmSync(place, { recursive: true, force: true });
}

/**
 * Whether the build folder was configured to its end with just these options, for a Node of this architecture and by
 * these packages, and in this place: a folder may have been moved or copied. The version of Node does not matter.
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
  const wanted = { ...options, CMAKE_HOME_DIRECTORY: ROOT, NODE_ARCH: process.arch };
  return (
    Object.entries(wanted).every(([name, value]) => cache.get(name) === value) &&
    cache.get('CMAKE_JS_INC')?.split(';')[0] === nodeApiHeaders()
  );
}

/** The headers that cmake-js brings: Node-API's, the same for every Node. */
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

/** Loads the addon in a process of its own: what the loader refuses is to be known now, not at the first use. */
function checkAddon(libtorch, env) {
  const { status, signal, stderr } = spawnSync(process.execPath, ['-e', LOAD, ADDON], { env, encoding: 'utf8' });
  if (status === 0) return;
  throw new Failure('load', { ...libtorch, output: `${stderr}\n${signal ? `It ended with ${signal}.` : ''}` });
}

/** What {@link buildAddon} noted; undefined where it never came to its end. */
function builtWith() {
  try {
    return JSON.parse(fs.readFileSync(NOTE, 'utf8'));
  } catch {
    return undefined;
  }
}

module.exports = { ADDON, ROOT, buildAddon, builtWith, checkAddon };
