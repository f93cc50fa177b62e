'use strict';
/** Builds the addon against a libtorch, and notes which one it was. */
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { Failure } = require('./failures');

const ROOT = path.join(__dirname, '..');
const NOTE = path.join(ROOT, 'build', 'libtorch.json');
const ADDON = path.join(ROOT, 'build', 'Release', 'resnet.node');

const CACHE = path.join(ROOT, 'build', 'CMakeCache.txt');

/** @param {{ folder: string, way: string, version: string, variant?: string }} libtorch as findLibtorch returns it */
function buildAddon(libtorch, env) {
  const developer = fs.existsSync(path.join(ROOT, 'test')); // not among the published files
  const options = {
    LIBTORCH_DIR: libtorch.folder,
    NODE_ADDON_API_DIR: path.dirname(require.resolve('node-addon-api/package.json')),
    RESNET_WERROR: developer ? 'ON' : 'OFF',
  };
  // cmake-js does not look at options once there is a build folder: it would keep the libtorch of the last time.
  const steps = isConfigured(options) ? ['build'] : ['configure', 'build'];
  for (const step of steps) {
    const { status } = spawnSync(
      process.execPath,
      [
        require.resolve('cmake-js/bin/cmake-js'),
        step,
        ...Object.entries(options).map(([name, value]) => `--CD${name}=${value}`),
      ],
      { cwd: ROOT, env, stdio: 'inherit' },
    );
    if (status !== 0) throw new Failure('build', { folder: libtorch.folder });
  }
  fs.mkdirSync(path.dirname(NOTE), { recursive: true });
  fs.writeFileSync(NOTE, `${JSON.stringify(libtorch, null, 2)}\n`);
}

/** Whether the build folder was configured with just these options. */
function isConfigured(options) {
  let text;
  try {
    text = fs.readFileSync(CACHE, 'utf8');
  } catch {
    return false;
  }
  const lines = new Set(text.split('\n').map((line) => line.replace(/:[A-Z]+=/, '=')));
  return Object.entries(options).every(([name, value]) => lines.has(`${name}=${value}`));
}

/** What {@link buildAddon} noted; undefined where it never came to its end. */
function builtWith() {
  try {
    return JSON.parse(fs.readFileSync(NOTE, 'utf8'));
  } catch {
    return undefined;
  }
}

module.exports = { ADDON, buildAddon, builtWith };
