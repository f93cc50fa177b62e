'use strict';
/** Which version a libtorch has, read from its headers, and whether it is the one we are written for. */
const fs = require('node:fs');
const path = require('node:path');
const { Failure } = require('../failures');

// Where the numbers stand; the second place is that of releases before 2.9.
const HEADERS = ['include/torch/headeronly/version.h', 'include/torch/csrc/api/include/torch/version.h'];

/** The version that a libtorch's headers name; undefined where they name none. */
function headersVersion(folder) {
  for (const header of HEADERS) {
    let text;
    try {
      text = fs.readFileSync(path.join(folder, header), 'utf8');
    } catch {
      continue;
    }
    const numbers = ['MAJOR', 'MINOR', 'PATCH'].map(
      (part) => new RegExp(`^#define TORCH_VERSION_${part} (\\d+)`, 'm').exec(text)?.[1],
    );
    if (!numbers.includes(undefined)) return numbers.join('.');
  }
  return undefined;
}

/** What a libtorch lacks to be built against; undefined where it lacks nothing. */
function missingPart(folder, platform = process.platform) {
  const suffix = platform === 'darwin' ? 'dylib' : 'so';
  const parts = ['include/ATen/ATen.h', `lib/libtorch_cpu.${suffix}`, `lib/libc10.${suffix}`];
  return parts.find((part) => !fs.existsSync(path.join(folder, part)));
}

/** Refuses a folder that is no libtorch, or one of another version. Returns the version. */
function checkLibtorch(folder, way, wanted, env) {
  const missing = missingPart(folder);
  if (missing !== undefined) throw new Failure('folder', { way, folder, missing });
  const found = headersVersion(folder) ?? 'of an unknown version';
  if (found !== wanted && env.LIBTORCH_BYPASS_VERSION_CHECK !== '1') {
    throw new Failure('version', { way, folder, found, wanted });
  }
  return found;
}

module.exports = { checkLibtorch, headersVersion, missingPart };
