'use strict';
/** Fetches libtorch into the cache: pip downloads what the lock names, Python unpacks it, a rename puts it in place. */
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { Failure } = require('../failures');
const { cacheFolder } = require('./cache');
const { downloadSize, platformTags, readableSize, requirements } = require('./lock');
const { findPip, pipSettings } = require('./python');
const { takeTurn } = require('./turns');
const { missingPart } = require('./version');

// CPU: libtorch_cpu and what it needs, 0.5 GB instead of 1.3. CUDA: every shared library but Python's.
const UNPACK = {
  cpu: String.raw`torch/include/|torch/lib/(libtorch_cpu|libc10)\.(so|dylib)$|torch/lib/lib(i?omp|gomp|arm_compute|nvpl)|nvidia/cu13/lib/lib(cudart|cupti)\.so`,
  cuda: String.raw`torch/include/|(torch|nvidia/.*)/lib/(?!libtorch_python)[^/]*\.so(\.|$)`,
};

// Bytes that the CUDA pattern unpacks, summed from the directories of the wheels in the lock.
const UNPACKED_CUDA = { 'linux-x64': 4_051_796_311, 'linux-arm64': 4_206_613_891 };

// The wheels and what is unpacked from them lie side by side for a moment, as multiples of the wheels.
const ROOM = { cpu: 2, cuda: 3 };

/**
 * Puts the files of the lock into `place`, once however many installs run at the same time.
 *
 * @returns {boolean} false where another install has done it
 */
function fetchLibtorch({ files, variant, place, env, log, times }) {
  const python = findPip(env);
  const cache = cacheFolder(env);
  const isDone = () => isComplete(place);
  const onWait = (pid) => log(`waiting for another install (pid ${pid}), which is fetching libtorch`);
  const turn = takeTurn({ cache, place, isDone, onWait, times });
  if (turn === undefined) return false;
  const work = turn.folder;
  try {
    const size = downloadSize(files);
    checkSpace(cache, size * ROOM[variant]);
    log(`fetching libtorch (${variant}${size > 0 ? `, ${readableSize(size)}` : ''}) into ${place}`);
    const [wheels, unpacked] = [path.join(work, 'wheels'), path.join(work, 'unpacked')];
    download({ python, files, work, wheels, env, cache });
    unpack({ python, wheels, unpacked, variant, env, cache });
    putInPlace(unpacked, place, work);
  } catch (error) {
    if (!isDone()) throw error; // taken for dead after a long sleep, and overtaken
    return false;
  } finally {
    turn.release();
  }
  return true;
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
      // The wheel of one Python serves every other: we take its libraries only.
      ...['--implementation', 'cp', '--python-version', '3.12', '--abi', 'cp312', '--abi', 'none'],
      ...platformTags(files).flatMap((tag) => ['--platform', tag]),
      ...haste(python, env),
      // Half a gigabyte is kept once, in our cache.
      ...['--no-cache-dir', '--disable-pip-version-check'],
      ...['-r', list, '-d', wheels],
    ],
    // stdout carries the progress. pip's own work in progress goes beside ours: /tmp may be small. Nothing is
    // installed, so whoever allows pip in virtual environments only has nothing to fear.
    {
      env: { ...env, TMPDIR: work, PIP_REQUIRE_VIRTUALENV: '0' },
      encoding: 'utf8',
      stdio: ['ignore', 'inherit', 'pipe'],
    },
  );
  if (status !== 0) throw downloadFailure(stderr ?? '', cache);
}

/** Offline is to be known soon, unless the user has set how patient pip is. */
function haste(python, env) {
  const set = pipSettings(python, env);
  return [
    ...(set.has('retries') ? [] : ['--retries', '2']),
    ...(set.has('timeout') || set.has('default-timeout') ? [] : ['--timeout', '15']),
  ];
}

const OFFLINE =
  /NewConnectionError|ConnectTimeoutError|ReadTimeoutError|NameResolutionError|Temporary failure in name resolution|ProxyError|Network is unreachable|Connection refused|Connection aborted/;

/** What pip's words mean. */
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

function putInPlace(unpacked, place, work) {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      fs.renameSync(unpacked, place);
      return;
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
    }
    if (isComplete(place)) return; // another install was faster
    try {
      fs.renameSync(place, path.join(work, `damaged-${attempt}`)); // goes away with our work
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
  }
  throw new Failure('cache', { folder: place, output: 'Another install keeps changing it.' });
}

module.exports = { UNPACKED_CUDA, fetchLibtorch };
