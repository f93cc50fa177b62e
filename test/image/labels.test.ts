import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readLabels } from '../../lib/image/labels';

const folder = mkdtempSync(join(tmpdir(), 'resnet-labels-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

test("ImageNet's names for 1000 classes", async () => {
  const labels = await readLabels(undefined, 1000);
  expect(labels).toHaveLength(1000);
  expect([labels[0], labels[249], labels[999]]).toEqual(['tench', 'malamute', 'toilet tissue']);
});

test('numbers for any other count', async () => {
  expect(await readLabels(undefined, 3)).toEqual(['class 0', 'class 1', 'class 2']);
});

test('a list is copied', async () => {
  const list = ['cat', 'dog'];
  const labels = await readLabels(list, 2);
  list[0] = 'cow';
  expect(labels).toEqual(['cat', 'dog']);
  expect(Object.isFrozen(labels)).toBe(true);
});

test.each([
  ['one a line', 'cat\ndog, puppy\n'],
  ['lines of Windows', '\ufeffcat\r\ndog, puppy\r\n\r\n'],
  ['a last line without an end', 'cat\ndog, puppy'],
  ['JSON', ' ["cat",\n "dog, puppy"]\n'],
  ['JSON by number', '\ufeff{"0": "cat", "1": "dog, puppy"}\n'],
  ['JSON by number, in any order', '{"1": "dog, puppy", "0": "cat"}'],
  ["JSON as ImageNet's", '{"0": ["n02121808", "cat"], "1": ["n02084071", "dog, puppy"]}'],
])('a file, %s', async (_, content) => {
  expect(await readLabels(file('labels', content), 2)).toEqual(['cat', 'dog, puppy']);
});

/** Of two lines or entries each: a list of two names, were they taken for one. */
const REFUSED: [string, string | Uint8Array][] = [
  ['a dictionary printed by Python', "{0: 'cat',\n 1: 'dog'}"],
  ['a list printed by Python', "['cat',\n 'dog']"],
  ['an OrderedDict', "OrderedDict([(0, 'cat'),\n(1, 'dog')])"],
  ['a tuple', "('cat',\n 'dog')"],
  ['an assignment', "labels = ['cat',\n 'dog']"],
  ['JSON from names to numbers', '{"cat": 0,\n"dog": 1}'],
  ['JSON with a gap', '{"0": "cat",\n"2": "dog"}'],
  ['JSON with longer lists', '{"0": ["n02121808", "cat", "x"], "1": ["n02084071", "dog", "y"]}'],
  ['JSON of objects', '[{"name": "cat"},\n{"name": "dog"}]'],
  ['JSON of pairs', '[["n02121808", "cat"], ["n02084071", "dog"]]'],
  ['JSON of a nested list', '{"labels": ["cat",\n "dog"]}'],
  ['JSON Lines', '{"id": 0, "name": "cat"}\n{"id": 1, "name": "dog"}'],
  ['JSON of a string', '"cat dog"'],
  ['an empty object', '{}'],
  ['big-endian UTF-16', Buffer.from('\ufeffcat\ndog', 'utf16le').swap16()],
  ['UTF-16 without a mark', Buffer.from('cat\ndog', 'utf16le')],
  ['Latin-1', Buffer.from('caf\xe9\ndog', 'latin1')],
];

test.each<[string, () => any, string, RegExp]>([
  ['too few', () => ['cat'], 'ERR_ARGUMENT', /^labels must be 2 names.*got 1\.$/],
  ['too many in a file', () => file('three.txt', 'a\nb\nc\n'), 'ERR_ARGUMENT', /2 names.*got 3 in ".*three\.txt"/],
  ['numbers', () => [1, 2], 'ERR_ARGUMENT', /^labels must be a list of names/],
  ['an object', () => ({ 0: 'a' }), 'ERR_ARGUMENT', /^labels/],
  ['broken JSON', () => file('broken.json', '["a",'), 'ERR_ARGUMENT', /^labels must be a JSON array.*broken\.json/],
  ['JSON of numbers', () => file('numbers.json', '[1, 2]'), 'ERR_ARGUMENT', /^labels/],
  ...REFUSED.map(([name, content]): [string, () => any, string, RegExp] => [
    name,
    () => file('refused', content),
    'ERR_ARGUMENT',
    /^labels must be a JSON array.*".*refused"/,
  ]),
  [
    'UTF-16',
    () => file('utf16.txt', Buffer.from('\ufeffcat\ndog', 'utf16le')),
    'ERR_ARGUMENT',
    /UTF-16.*save it as UTF-8/,
  ],
  ['no file', () => join(folder, 'missing.txt'), 'ERR_FILE', /^labels.*missing\.txt/],
  ['a device', () => '/dev/zero', 'ERR_FILE', /^labels.*not a regular file/],
  ['no names', () => [], 'ERR_ARGUMENT', /^labels must be a list of names/],
  ['a directory', () => folder, 'ERR_FILE', /^labels/],
])('%s', async (_, make, code, message) => {
  await expect(readLabels(make(), 2)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});
