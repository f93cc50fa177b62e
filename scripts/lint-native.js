'use strict';
// Checks the format of the C++ files; --fix formats them.
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const native = path.join(__dirname, '..', 'native');
const files = fs
  .readdirSync(native, { recursive: true })
  .filter((file) => /\.(h|cpp)$/.test(file))
  .map((file) => path.join(native, file));
if (files.length === 0) throw new Error(`no C++ found in ${native}`);

const mode = process.argv.includes('--fix') ? ['-i'] : ['--dry-run', '-Werror'];
const clangFormat = path.join(__dirname, '..', 'node_modules', '.bin', 'clang-format');
const { status } = spawnSync(clangFormat, [...mode, ...files], { stdio: 'inherit' });
process.exit(status ?? 1);
