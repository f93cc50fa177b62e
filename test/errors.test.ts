import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CODES } from '../lib/index';
import { root } from './support/node';

/** Node's own codes, which the sources may name. */
const OF_NODE = new Set(['ERR_MODULE_NOT_FOUND', 'ERR_HTTP_REQUEST_TIMEOUT']);

const sources = ['lib', 'native'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|mts|h|cpp)$/.test(file))
    .map((file) => ({ file: join(folder, file), text: readFileSync(join(root, folder, file), 'utf8') })),
);

/** Every match with the file that it is in, so that a failure says where to look. */
const found = (pattern: RegExp, files = sources): { code: string; file: string }[] =>
  files.flatMap(({ file, text }) => [...text.matchAll(pattern)].map(([, code]) => ({ code: code!, file })));

test('every code that the sources name, in comments too, stands in ERROR_CODES', () => {
  const named = found(/\b(ERR_[A-Z0-9_]*[A-Z0-9])\b(?!_)/g);
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter(({ code }) => !OF_NODE.has(code) && !Object.hasOwn(ERROR_CODES, code))).toEqual([]);
});

test('every code of ERROR_CODES is thrown somewhere', () => {
  // Not where it is only looked at: in a comparison, or in the command line's list of what is wrong usage.
  const thrown = found(
    /(?<![!=]== )['"`](ERR_[A-Z0-9_]+)['"`]/g,
    sources.filter(({ file }) => file !== join('lib', 'errors.ts') && !file.startsWith(join('lib', 'cli', '/'))),
  );
  const codes = new Set(thrown.map(({ code }) => code));
  expect(Object.keys(ERROR_CODES).filter((code) => !codes.has(code))).toEqual([]);
});

test('the table of docs/errors.md is ERROR_CODES', () => {
  const page = readFileSync(join(root, 'docs', 'errors.md'), 'utf8');
  const rows = [...page.matchAll(/^\| *`(ERR_[A-Z0-9_]+)` *\| *(.*?) *\|$/gm)].map(([, code, meaning]) => [
    code,
    meaning,
  ]);
  expect(rows).toEqual(Object.entries(ERROR_CODES));
});
