'use strict';
/** The cache: one folder per version, variant and platform. Work in progress is in `.tmp-` folders beside them. */
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

function cacheFolder(env) {
  return env.LIBTORCH_RESNET_CACHE || path.join(os.homedir(), '.cache', 'libtorch-resnet');
}

/** The folder of a complete libtorch; its `torch` folder has include/ and lib/. */
function cachePlace(env, version, variant, platform) {
  return path.join(cacheFolder(env), `libtorch-${version}-${variant}-${platform}`);
}

function listCache(cache) {
  try {
    return fs.readdirSync(cache);
  } catch {
    return []; // it does not exist yet
  }
}

/** The entries of the cache, with sizes in bytes. */
function cacheContent(cache) {
  return listCache(cache).map((name) => ({ name, bytes: sizeOf(path.join(cache, name)) }));
}

function sizeOf(place) {
  let status;
  try {
    status = fs.lstatSync(place);
    if (!status.isDirectory()) return status.size;
    return fs.readdirSync(place).reduce((sum, name) => sum + sizeOf(path.join(place, name)), 0);
  } catch {
    return 0; // removed in the meantime
  }
}

module.exports = { cacheContent, cacheFolder, cachePlace };
