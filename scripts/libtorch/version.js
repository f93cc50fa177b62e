'use strict';
/** Reads a libtorch's version from its headers, and checks that it is the required one. */
const fs = require('node:fs');
const path = require('node:path');
const { Failure } = require('../failures');

// The files with the numbers; the second one is that of releases before 2.9.
const HEADERS = ['include/torch/headeronly/version.h', 'include/torch/csrc/api/include/torch/version.h'];

/** The version in a libtorch's headers; undefined if there is none. */
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

/** The first file that a libtorch lacks; undefined if it is complete. */
function missingPart(folder, platform = process.platform) {
  const suffix = platform === 'darwin' ? 'dylib' : 'so';
  const parts = ['include/ATen/ATen.h', `lib/libtorch_cpu.${suffix}`, `lib/libc10.${suffix}`];
  return parts.find((part) => !fs.existsSync(path.join(folder, part)));
}

/** Fails if a folder is no libtorch, or one of another version. Returns the version. */
function checkLibtorch(folder, way, required, env) {
  const missing = missingPart(folder);
  if (missing !== undefined) throw new Failure('folder', { way, folder, missing });
  const found = headersVersion(folder) ?? 'of an unknown version';
  if (found !== required && env.LIBTORCH_BYPASS_VERSION_CHECK !== '1') {
    throw new Failure('version', { way, folder, found, required });
  }
  return found;
}

module.exports = { checkLibtorch, headersVersion, missingPart };
