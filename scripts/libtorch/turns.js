'use strict';
/**
 * Several installs may want the same libtorch at once, and any of them may be killed. Each has a work folder in the
 * cache, named by when it began, whose it is and what for, and touches a file in it as long as it lives. The oldest
 * living one fetches, the others wait for what it puts in place.
 *
 * Nothing depends on this for correctness: a libtorch is put in place by a rename, so at worst it is fetched twice.
 */
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { Failure } = require('../failures');

const WORK = /^\.tmp-(\d+)-(\d+)@([^-]*)-(.+)$/;

const TIMES = {
  beat: 2_000, // how often a living install touches its file
  look: 250, // how often a waiting one looks
  silent: 20_000, // untouched for so long: killed, unless its process is seen to be there (suspended)
  abandoned: 600_000, // untouched for so long: killed, and its number is another process's by now
};

// A thread, because pip and the unpacking keep the main one waiting.
const HEART = `
const { workerData: { file, beat } } = require('node:worker_threads');
setInterval(() => {
  try { require('node:fs').writeFileSync(file, '.'); } catch {} // a full disk; or the folder has just been removed
}, beat);`;

const beatOf = (folder) => path.join(folder, 'beat');

/**
 * Where a process number means something: this boot of this kernel and, in containers, this namespace. Empty where
 * that cannot be known.
 */
function processSpace() {
  if (process.platform !== 'linux') return os.hostname().replaceAll('-', '_');
  try {
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot.slice(0, 8)}.${fs.readlinkSync('/proc/self/ns/pid').replace(/\D/g, '')}`;
  } catch {
    return '';
  }
}

function parse(cache, entry) {
  const match = WORK.exec(entry);
  if (match === null) return undefined;
  const [, began, pid, space, name] = match;
  return { folder: path.join(cache, entry), began: Number(began), pid: Number(pid), space, name };
}

function listWork(cache) {
  return fs.readdirSync(cache).flatMap((entry) => parse(cache, entry) ?? []);
}

/** When a work folder was touched last; undefined where it is gone. */
function touched(folder) {
  for (const file of [beatOf(folder), folder]) {
    try {
      const opened = fs.openSync(file); // a network disk's answer to stat alone may be old
      const { mtimeMs } = fs.fstatSync(opened);
      fs.closeSync(opened);
      return mtimeMs;
    } catch {
      continue;
    }
  }
  return undefined;
}

function processExists(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM'; // alive and another user's
  }
}

function isAlive({ folder, pid, space }, now, times) {
  const last = touched(folder);
  if (last === undefined) return false;
  const known = space !== '' && space === processSpace();
  if (known && !processExists(pid)) return false;
  return now - last < (known ? times.abandoned : times.silent);
}

/** The others that live. Removes what killed ones have left, whatever they fetched. */
function living(cache, mine, times) {
  fs.mkdirSync(mine.folder, { recursive: true }); // removed by one that took us for dead
  fs.writeFileSync(beatOf(mine.folder), '.');
  const now = touched(mine.folder); // the disk's clock, as in the others' files
  const others = listWork(cache).filter(({ folder }) => folder !== mine.folder);
  const alive = others.filter((other) => isAlive(other, now, times));
  for (const { folder } of others.filter((other) => !alive.includes(other))) remove(folder);
  return alive;
}

function remove(folder) {
  try {
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // Another user's, or two remove it at once.
  }
}

function makeWorkFolder(cache, name) {
  try {
    fs.mkdirSync(cache, { recursive: true });
    // Behind all that are there, however much their clocks are ahead.
    const began = Math.max(Date.now(), ...listWork(cache).map((work) => work.began + 1));
    const mine = parse(cache, `.tmp-${began}-${process.pid}@${processSpace()}-${name}`);
    fs.mkdirSync(mine.folder);
    fs.writeFileSync(beatOf(mine.folder), '.');
    return mine;
  } catch (error) {
    throw new Failure('cache', { folder: cache, output: error.message });
  }
}

const isBefore = (a, b) => a.began < b.began || (a.began === b.began && a.folder < b.folder);

function sleep(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/**
 * Waits for the turn to fill `place`.
 *
 * @param isDone whether another install has filled it
 * @param onWait called with the number of the process that is waited for
 * @returns a folder to work in, on the cache's disk, and what removes it; undefined where there is nothing left to do
 */
function takeTurn({ cache, place, isDone, onWait, times = TIMES }) {
  const mine = makeWorkFolder(cache, path.basename(place));
  const heart = new Worker(HEART, { eval: true, workerData: { file: beatOf(mine.folder), beat: times.beat } });
  heart.unref();
  const release = () => {
    void heart.terminate();
    remove(mine.folder);
  };
  try {
    let awaited;
    for (;;) {
      sleep(times.look); // one that began in the same moment is to be seen
      const first = living(cache, mine, times).find(
        ({ name, ...other }) => name === mine.name && isBefore(other, mine),
      );
      // In this order: who has put it in place goes away after that.
      if (isDone()) break;
      if (first === undefined) return { folder: mine.folder, release };
      if (first.folder !== awaited) onWait(first.pid);
      awaited = first.folder;
    }
  } catch (error) {
    release();
    throw error;
  }
  release();
  return undefined;
}

module.exports = { TIMES, processSpace, takeTurn };
