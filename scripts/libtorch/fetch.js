'use strict';
/**
 * Fetches libtorch into the cache: pip downloads the locked wheels, Python unpacks them, a rename puts the result in
 * place. Concurrent installs do not wait for each other: each works in a folder of its own, the first one to finish
 * provides the folder, and the others find it there and use it.
 */
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { Failure } = require('../failures');
const { cacheFolder } = require('./cache');
const { downloadSize, platformTags, readableSize, requirements } = require('./lock');
const { findPip, pipSettings } = require('./python');
const { missingPart } = require('./version');

// CPU: libtorch_cpu and its dependencies, 0.5 GB instead of 1.3. CUDA: every shared library except Python's.
const UNPACK = {
  cpu: String.raw`torch/include/|torch/lib/(libtorch_cpu|libc10)\.(so|dylib)$|torch/lib/lib(i?omp|gomp|arm_compute|nvpl)|nvidia/cu13/lib/lib(cudart|cupti)\.so`,
  cuda: String.raw`torch/include/|(torch|nvidia/.*)/lib/(?!libtorch_python)[^/]*\.so(\.|$)`,
};

// Bytes that the CUDA pattern unpacks, summed over the directories of the locked wheels.
const UNPACKED_CUDA = { 'linux-x64': 4_051_796_311, 'linux-arm64': 4_206_613_891 };

// The peak of the space needed (the wheels and the unpacked files), as a multiple of the wheels.
const SPACE_FACTOR = { cpu: 2, cuda: 3 };

// Work folders of installs that were killed; a fetch that is still running is never this old.
const WORK_PREFIX = '.tmp-';
const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * Puts the locked files into `place`.
 *
 * @returns {boolean} false if another install was faster
 */
function fetchLibtorch({ files, variant, place, env, log }) {
  const python = findPip(env);
  const cache = cacheFolder(env);
  const work = makeWorkFolder(cache);
  try {
    const size = downloadSize(files);
    checkSpace(cache, size * SPACE_FACTOR[variant]);
    log(`fetching libtorch (${variant}${size > 0 ? `, ${readableSize(size)}` : ''}) into ${place}`);
    const [wheels, unpacked] = [path.join(work, 'wheels'), path.join(work, 'unpacked')];
    download({ python, files, work, wheels, env, cache });
    unpack({ python, wheels, unpacked, variant, env, cache });
    return putInPlace(unpacked, place, work);
  } finally {
    remove(work);
  }
}

/** Makes a folder on the cache's disk, and removes those that killed installs have left. */
function makeWorkFolder(cache) {
  try {
    fs.mkdirSync(cache, { recursive: true });
    for (const name of fs.readdirSync(cache).filter((name) => name.startsWith(WORK_PREFIX))) {
      const folder = path.join(cache, name);
      const { mtimeMs } = fs.statSync(folder, { throwIfNoEntry: false }) ?? {};
      if (Date.now() - mtimeMs > ABANDONED_AFTER_MS) remove(folder);
    }
    return fs.mkdtempSync(path.join(cache, WORK_PREFIX));
  } catch (error) {
    throw new Failure('cache', { folder: cache, output: error.message });
  }
}

function remove(folder) {
  try {
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // It is another user's, or another install is removing it too.
  }
}

function isComplete(place) {
  return missingPart(path.join(place, 'torch')) === undefined;
}

function checkSpace(folder, needed) {
  const { bavail, bsize } = fs.statfsSync(folder);
  const free = bavail * bsize;
  if (free < needed) throw new Failure('space', { folder, needed: readableSize(needed), free: readableSize(free) });
}

function download({ python, files, work, wheels, env, cache }) {
  const list = path.join(work, 'requirements.txt');
  fs.writeFileSync(list, requirements(files));
  const { status, stderr } = spawnSync(
    python.command,
    [
      ...['-m', 'pip', 'download', '--no-deps', '--require-hashes', '--only-binary=:all:'],
      // Any Python's wheel will do: only its libraries are used.
      ...['--implementation', 'cp', '--python-version', '3.12', '--abi', 'cp312', '--abi', 'none'],
      ...platformTags(files).flatMap((tag) => ['--platform', tag]),
      ...patience(python, env),
      // One copy of half a gigabyte, in our cache, is enough.
      ...['--no-cache-dir', '--disable-pip-version-check'],
      ...['-r', list, '-d', wheels],
    ],
    // stdout shows the progress. pip's temporary files go into our folder too, because /tmp may be small. Nothing is
    // installed, so a setting that restricts pip to virtual environments need not apply.
    {
      env: { ...env, TMPDIR: work, PIP_REQUIRE_VIRTUALENV: '0' },
      encoding: 'utf8',
      stdio: ['ignore', 'inherit', 'pipe'],
    },
  );
  if (status !== 0) throw downloadFailure(stderr ?? '', cache);
}

/** Being offline should be reported soon, unless the user has configured pip's retries and timeout. */
function patience(python, env) {
  const set = pipSettings(python, env);
  return [
    ...(set.has('retries') ? [] : ['--retries', '2']),
    ...(set.has('timeout') || set.has('default-timeout') ? [] : ['--timeout', '15']),
  ];
}

const OFFLINE =
  /NewConnectionError|ConnectTimeoutError|ReadTimeoutError|NameResolutionError|Temporary failure in name resolution|ProxyError|Network is unreachable|Connection refused|Connection aborted/;

/** Turns pip's output into a failure. */
function downloadFailure(output, cache) {
  const hash = /Expected sha256\s+([0-9a-f]+)[\s\S]*?Got\s+([0-9a-f]+)/.exec(output);
  if (hash !== null) {
    const file =
      /^\s*(\S.*?) from /m.exec(output.slice(output.indexOf('MATCH THE HASHES')))?.[1] ?? 'A downloaded file';
    return new Failure('hash', { file, expected: hash[1], actual: hash[2] });
  }
  if (/No space left on device/.test(output)) return noSpace(cache);
  return new Failure(OFFLINE.test(output) ? 'offline' : 'download', { output });
}

function noSpace(folder) {
  return new Failure('space', { folder, needed: 'more', free: '' });
}

function unpack({ python, wheels, unpacked, variant, env, cache }) {
  const script = path.join(__dirname, 'unpack.py');
  const { status, stderr, error } = spawnSync(python.command, [script, wheels, unpacked, UNPACK[variant]], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  if (status !== 0) {
    throw /No space left on device/.test(stderr)
      ? noSpace(cache)
      : new Failure('unpack', { output: stderr || error?.message });
  }
  const missing = missingPart(path.join(unpacked, 'torch'));
  if (missing !== undefined) throw new Failure('unpack', { output: `The wheels have no torch/${missing}.` });
}

/**
 * Renames the folder into place, and away from there what is damaged or not a folder. Returns false if another install
 * was faster.
 */
function putInPlace(unpacked, place, work) {
  try {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      try {
        fs.renameSync(unpacked, place);
        return true;
      } catch (error) {
        if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(error.code)) throw error;
      }
      if (isComplete(place)) return false;
      try {
        fs.renameSync(place, path.join(work, `damaged-${attempt}`)); // removed with the work folder
      } catch (error) {
        if (error.code !== 'ENOENT') throw error;
      }
    }
  } catch (error) {
    throw new Failure('cache', { folder: place, output: error.message });
  }
  throw new Failure('cache', { folder: place, output: 'Another install keeps changing it.' });
}

module.exports = { UNPACKED_CUDA, fetchLibtorch };
