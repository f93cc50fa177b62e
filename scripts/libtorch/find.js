'use strict';
/** Chooses the libtorch to build against: LIBTORCH, the active Python's, the cached one, or one fetched into the cache. */
const path = require('node:path');
const { cachePlace } = require('./cache');
const { UNPACKED_CUDA, fetchLibtorch } = require('./fetch');
const { LOCK, downloadSize, lockedFiles, readableSize } = require('./lock');
const { UNTESTED, checkLibc, hasNvidiaDriver, platformName } = require('./platform');
const { findPip, findPyTorch, findPython } = require('./python');
const { checkLibtorch, missingPart } = require('./version');

/**
 * @returns {{ folder: string, way: string, version: string, variant?: string }} the folder with include/ and lib/
 */
function findLibtorch({
  env = process.env,
  lock = LOCK,
  log = () => {},
  fetch = fetchLibtorch,
  machine = process,
} = {}) {
  const platform = platformName(machine);
  const required = lock.version;
  if (UNTESTED.includes(platform)) log(`${platform} is supported, but was never tested`);

  if (env.LIBTORCH) {
    // npm runs scripts in the package's folder; INIT_CWD is the user's working directory.
    const folder = path.resolve(env.INIT_CWD ?? '.', env.LIBTORCH);
    return { folder, way: 'LIBTORCH', version: checkLibtorch(folder, 'LIBTORCH', required, env) };
  }
  if (env.LIBTORCH_USE_PYTORCH === '1') {
    const folder = findPyTorch(env, required);
    const version = checkLibtorch(folder, 'LIBTORCH_USE_PYTORCH=1', required, env);
    return { folder, way: 'LIBTORCH_USE_PYTORCH', version };
  }

  const { variant, files, place, folder, cached } = lookInCache(env, lock, platform);
  let fetched = false;
  if (!cached) {
    checkLibc();
    fetched = fetch({ files, variant, place, env, log });
  }
  return { folder, way: fetched ? 'fetched' : 'cache', version: required, variant };
}

function lookInCache(env, lock, platform) {
  const variant = env.LIBTORCH_VARIANT || 'cpu';
  const files = lockedFiles(lock, platform, variant);
  const place = cachePlace(env, lock.version, variant, platform);
  const folder = path.join(place, 'torch');
  return { variant, files, place, folder, cached: missingPart(folder) === undefined };
}

/** Fails if getting libtorch needs Python or pip, and they are missing. */
function checkPython(env) {
  if (env.LIBTORCH) return;
  if (env.LIBTORCH_USE_PYTORCH === '1') findPython(env);
  else if (!lookInCache(env, LOCK, platformName()).cached) findPip(env);
}

/** One line on how to get CUDA, if there is a driver but the CPU variant was chosen. */
function cudaHint({ variant, lock = LOCK, machine = process, driver = hasNvidiaDriver() }) {
  if (variant !== 'cpu' || !driver) return undefined;
  const platform = `${machine.platform}-${machine.arch}`;
  const files = (lock.platforms[platform] ?? []).filter(({ variants }) => variants.includes('cuda'));
  if (files.length === 0) return undefined;
  const sizes = `${readableSize(downloadSize(files))} to download, ${readableSize(UNPACKED_CUDA[platform])} unpacked`;
  return `an NVIDIA driver is here; for CUDA: LIBTORCH_VARIANT=cuda npm rebuild libtorch-resnet --foreground-scripts (${sizes})`;
}

module.exports = { checkPython, cudaHint, findLibtorch };
