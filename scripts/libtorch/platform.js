'use strict';
/** What this machine is, as far as the choice of a libtorch depends on it. */
const fs = require('node:fs');
const { Failure } = require('../failures');

const OLDEST_GLIBC = [2, 28]; // of the wheels' platform tag, manylinux_2_28

// Prepared and never run by us: said on each install there.
const UNTESTED = ['linux-arm64', 'darwin-arm64'];

/** `linux-x64` and the like: the lock's names. */
function platformName({ platform, arch } = process) {
  if (platform === 'win32') throw new Failure('windows');
  return `${platform}-${arch}`;
}

/** Refuses a C library that the fetched libtorch cannot run on. */
function checkLibc(glibc = glibcVersion(), platform = process.platform) {
  if (platform !== 'linux') return;
  if (glibc === null) throw new Failure('libc', { found: 'another one' });
  const [major, minor] = glibc.split('.').map(Number);
  if (major < OLDEST_GLIBC[0] || (major === OLDEST_GLIBC[0] && minor < OLDEST_GLIBC[1])) {
    throw new Failure('libc', { found: glibc });
  }
}

function glibcVersion() {
  process.report.excludeNetwork = true; // else the report asks the name server about every connection
  return process.report.getReport().header.glibcVersionRuntime ?? null; // null: musl
}

// The kernel module, its device, and WSL's driver.
const DRIVER = ['/proc/driver/nvidia/version', '/dev/nvidiactl', '/usr/lib/wsl/lib/libcuda.so.1'];

/** Whether an NVIDIA driver is installed, without loading anything of it. */
function hasNvidiaDriver(places = DRIVER) {
  return places.some((place) => fs.existsSync(place));
}

module.exports = { UNTESTED, checkLibc, hasNvidiaDriver, platformName };
