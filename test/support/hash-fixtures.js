'use strict';
// Writes test/fixtures/hashes.json anew, after a fixture was added on purpose: node test/support/hash-fixtures.js
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const fixtures = path.join(__dirname, '..', 'fixtures');
const list = path.join(fixtures, 'hashes.json');

const hashes = {};
for (const entry of fs.readdirSync(fixtures, { recursive: true, withFileTypes: true })) {
  const file = path.join(entry.parentPath, entry.name);
  if (!entry.isFile() || file === list) continue;
  const name = path.relative(fixtures, file).split(path.sep).join('/');
  hashes[name] = createHash('sha256').update(fs.readFileSync(file)).digest('hex');
}
const sorted = Object.fromEntries(Object.entries(hashes).sort(([a], [b]) => (a < b ? -1 : 1)));
fs.writeFileSync(list, `${JSON.stringify(sorted, null, 2)}\n`);
