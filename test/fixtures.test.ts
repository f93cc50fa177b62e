import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import hashes from './fixtures/hashes.json';
import { root } from './support/node';

const fixtures = join(__dirname, 'fixtures');
/** Where the fixtures were copied from; a user's clone has no such folder. */
const reference = join(root, '..', 'shared', 'reference');

const expected = Object.entries(hashes);
const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

test('the fixtures are those of the list, no fewer and no more', () => {
  const found = readdirSync(fixtures, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(fixtures, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((name) => name !== 'hashes.json');
  // A fixture added on purpose: node test/support/hash-fixtures.js
  expect(found.sort()).toEqual(expected.map(([name]) => name).sort());
});

test.each(expected)('%s is what it was', (name, hash) => {
  expect(sha256(join(fixtures, name))).toBe(hash);
});

(existsSync(reference) ? test : test.skip)('each fixture that the reference has is the same there', () => {
  const shared = expected.filter(([name]) => existsSync(join(reference, name)));
  expect(Object.fromEntries(shared.map(([name]) => [name, sha256(join(reference, name))]))).toEqual(
    Object.fromEntries(shared),
  );
  // Guards the guard: a moved folder would compare nothing.
  expect(shared.length).toBeGreaterThan(0);
});
