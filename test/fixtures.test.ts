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

(existsSync(reference) ? test : test.skip)('each is the same in the reference', () => {
  const inReference = (name: string): string | undefined => {
    const file = join(reference, name);
    return existsSync(file) ? sha256(file) : undefined;
  };
  expect(Object.fromEntries(expected.map(([name]) => [name, inReference(name)]))).toEqual(hashes);
});
