'use strict';
/** The properties of this machine that the choice of a libtorch depends on. */
const fs = require('node:fs');
const { Failure } = require('../failures');

const MIN_GLIBC = [2, 28]; // of the wheels' platform tag, manylinux_2_28

// Supported, but never tested; every install there says so.
const UNTESTED = ['linux-arm64', 'darwin-arm64'];

/** The platform's name in the lock, e.g. `linux-x64`. */
function platformName({ platform, arch } = process) {
  if (platform === 'win32') throw new Failure('windows');
  return `${platform}-${arch}`;
}

/** Fails if the fetched libtorch cannot run with this C library. */
function checkLibc(glibc = glibcVersion(), platform = process.platform) {
  if (platform !== 'linux') return;
  if (glibc === null) throw new Failure('libc', { found: 'another one' });
  const [major, minor] = glibc.split('.').map(Number);
  if (major < MIN_GLIBC[0] || (major === MIN_GLIBC[0] && minor < MIN_GLIBC[1])) {
    throw new Failure('libc', { found: glibc });
  }
}

function glibcVersion() {
  process.report.excludeNetwork = true; // otherwise the report resolves the name of every connection
  return process.report.getReport().header.glibcVersionRuntime ?? null; // null: musl
}

// The kernel module, its device, and WSL's driver.
const DRIVER = ['/proc/driver/nvidia/version', '/dev/nvidiactl', '/usr/lib/wsl/lib/libcuda.so.1'];

/** Whether an NVIDIA driver is installed; loads nothing of it. */
function hasNvidiaDriver(places = DRIVER) {
  return places.some((place) => fs.existsSync(place));
}

module.exports = { UNTESTED, checkLibc, hasNvidiaDriver, platformName };
