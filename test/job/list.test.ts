import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { PictureList } from '../../lib/job/list';
import { temporaryFolder, written } from '../support/files';

const folder = temporaryFolder();
const listOf = (text: string | Buffer, shardSize = 3): Promise<PictureList> =>
  PictureList.read(written(folder, 'list.txt', Buffer.from(text)), shardSize);
const namedIn = async (list: PictureList): Promise<string[][]> =>
  await Promise.all(list.shards.map((shard) => list.picturesOf(shard)));

test('shards follow the order of the list; all but the last are full', async () => {
  const list = await listOf('a.jpg\nb.jpg\nc.jpg\nd.jpg\n');
  expect(await namedIn(list)).toEqual([['a.jpg', 'b.jpg', 'c.jpg'], ['d.jpg']]);
  expect(list.shards.map(({ number, pictures }) => [number, pictures])).toEqual([
    [1, 3],
    [2, 1],
  ]);
  expect(list.pictures).toBe(4);
});

test.each([
  ['no newline at the end', 'a\nb', [['a', 'b']]],
  ['empty lines', '\n\na\n \n\nb\n\nc\n\nd\n\n\n', [['a', 'b', 'c'], ['d']]],
  ['Windows line endings', '\uFEFFa\r\n\r\nb\r\n', [['a', 'b']]],
  ['blanks in names', ' a b.jpg \nö\n', [[' a b.jpg ', 'ö']]],
  ['the same picture twice', 'a\na\na\na\n', [['a', 'a', 'a'], ['a']]],
  ['nothing', '', []],
  ['nothing but newlines', '\n\n', []],
])('%s', async (_, text, expected) => {
  expect(await namedIn(await listOf(text))).toEqual(expected);
});

test('for any lines, each is in exactly one shard, in order', async () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replace(/[\n\r]|^\uFEFF/g, '_'));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 40 }), fc.integer({ min: 1, max: 7 }), async (lines, size) => {
      const list = await listOf(lines.join('\n'), size);
      const named = lines.filter((text) => text.trim() !== '');
      expect((await namedIn(list)).flat()).toEqual(named);
      expect(list.shards.map(({ pictures }) => pictures)).toEqual(
        Array.from({ length: Math.ceil(named.length / size) }, (_, i) => Math.min(size, named.length - i * size)),
      );
    }),
    { numRuns: 50 },
  );
});

test('a list that is longer than one chunk', async () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `folder/${'x'.repeat(i % 60)}/${i}.jpg`);
  const list = await listOf(lines.join('\n'), 700);
  expect((await namedIn(list)).flat()).toEqual(lines);
});

test('the hash is of the bytes', async () => {
  const [one, same, other] = [await listOf('a\nb\n'), await listOf('a\nb\n', 1), await listOf('b\na\n')];
  expect(one.sha256).toBe(same.sha256);
  expect(one.sha256).not.toBe(other.sha256);
  expect(one.sha256).toMatch(/^[0-9a-f]{64}$/);
});

test('a list that grows meanwhile is an error', async () => {
  const list = await listOf('a\nb\nc\nd\n');
  appendFileSync(list.path, 'e\n');
  await expect(list.picturesOf(list.shards[0]!)).rejects.toMatchObject({
    code: 'ERR_FILE',
    message: expect.stringMatching(/list\.txt: it has changed since the job began\.$/),
  });
});

test('relative paths start at the folder of the list', async () => {
  const list = await listOf('a\n');
  expect(list.locate('sub/a.jpg')).toBe(join(folder, 'sub', 'a.jpg'));
  expect(list.locate('/a.jpg')).toBe('/a.jpg');
});

test.each([
  ['no file', () => PictureList.read(join(folder, 'none.txt'), 1), /^Cannot read .*none\.txt: ENOENT/],
  ['a folder', () => PictureList.read(folder, 1), /it is a directory\.$/],
  [
    'a picture instead of a list',
    () => listOf(Buffer.concat([Buffer.from('a\n'), Buffer.alloc(1 << 20, 1)])),
    /must name a picture on each line, but line 2 has more than 65536 bytes\.$/,
  ],
])('%s', async (_, read, message) => {
  await expect(read()).rejects.toMatchObject({ code: 'ERR_FILE', message: expect.stringMatching(message) });
});
