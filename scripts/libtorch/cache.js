'use strict';
/**
 * The cache: one folder per version, variant and platform. Work in progress lies beside them in folders that name
 * their host and process, so that a later install can tell a killed one's leftovers from another's work.
 */
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Failure } = require('../failures');

const WORK = /^\.tmp-(\d+)@(.*)-[^-]*$/;
const ABANDONED_AFTER = 24 * 60 * 60 * 1000; // for another host's, and for a number that a new process got

function cacheFolder(env) {
  return env.LIBTORCH_RESNET_CACHE || path.join(os.homedir(), '.cache', 'libtorch-resnet');
}

/** Where a libtorch lies once it is complete; its `torch` folder has include/ and lib/. */
function cachePlace(env, version, variant, platform) {
  return path.join(cacheFolder(env), `libtorch-${version}-${variant}-${platform}`);
}

/** A new folder to work in, on the cache's disk so that its content can be renamed into place. */
function makeWorkFolder(cache) {
  try {
    fs.mkdirSync(cache, { recursive: true });
    return fs.mkdtempSync(path.join(cache, `.tmp-${process.pid}@${os.hostname()}-`));
  } catch (error) {
    throw new Failure('cache', { folder: cache, output: error.message });
  }
}

/** Removes what killed installs have left, and nothing of one still running. */
function removeLeftovers(cache) {
  for (const { name } of listCache(cache).filter(({ name }) => isAbandoned(cache, name))) {
    fs.rmSync(path.join(cache, name), { recursive: true, force: true });
  }
}

function isAbandoned(cache, name) {
  const [, pid, host] = WORK.exec(name) ?? [];
  if (pid === undefined) return false;
  if (host === os.hostname() && !isAlive(Number(pid))) return true;
  try {
    return Date.now() - fs.statSync(path.join(cache, name)).mtimeMs > ABANDONED_AFTER;
  } catch {
    return false; // its owner has just removed it
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM'; // alive and another user's
  }
}

function listCache(cache) {
  try {
    return fs.readdirSync(cache, { withFileTypes: true }).map((entry) => ({ name: entry.name, entry }));
  } catch {
    return []; // not there yet
  }
}

/** What the cache holds, with sizes in bytes. */
function cacheContent(cache) {
  return listCache(cache).map(({ name }) => ({ name, bytes: sizeOf(path.join(cache, name)) }));
}

function sizeOf(place) {
  let status;
  try {
    status = fs.lstatSync(place);
    if (!status.isDirectory()) return status.size;
    return fs.readdirSync(place).reduce((sum, name) => sum + sizeOf(path.join(place, name)), 0);
  } catch {
    return 0; // removed while we looked
  }
}

module.exports = { cacheContent, cacheFolder, cachePlace, makeWorkFolder, removeLeftovers };
