'use strict';
/** Reads libtorch.lock.json, the only source of package names, versions and hashes. */
const { Failure } = require('../failures');

const LOCK = require('../libtorch.lock.json');

/** The files of one variant on one platform. */
function lockedFiles(lock, platform, variant) {
  const files = lock.platforms[platform];
  if (files === undefined) {
    throw new Failure('platform', { platform, supported: Object.keys(lock.platforms).join(', ') });
  }
  const chosen = files.filter((file) => file.variants.includes(variant));
  if (chosen.length === 0) {
    const supported = [...new Set(files.flatMap((file) => file.variants))].join(', ');
    throw new Failure('variant', { variant, platform, supported });
  }
  return chosen;
}

/** The requirements file for pip, with a hash for every package. */
function requirements(files) {
  return files.map(({ name, version, sha256 }) => `${name}==${version} --hash=sha256:${sha256}\n`).join('');
}

/** The platform tags in the wheels' names. pip needs a list of all of them. */
function platformTags(files) {
  const tags = files.flatMap(({ file }) =>
    file
      .replace(/\.whl$/, '')
      .split('-')
      .at(-1)
      .split('.'),
  );
  return [...new Set(tags)].filter((tag) => tag !== 'any');
}

/** Bytes to download; files without a size in the lock count as 0. */
function downloadSize(files) {
  return files.reduce((sum, { size = 0 }) => sum + size, 0);
}

/** Formats bytes for people. */
function readableSize(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}

module.exports = { LOCK, downloadSize, lockedFiles, platformTags, readableSize, requirements };
