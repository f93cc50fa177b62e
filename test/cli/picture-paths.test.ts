import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { findPictures } from '../../lib/cli/picture-paths';
import { temporaryFolder } from '../support/files';

const folder = temporaryFolder();
for (const name of ['photos/deep/er', 'photos/.hidden', 'empty', 'photos/folder.jpg']) {
  mkdirSync(join(folder, name), { recursive: true });
}
const files = ['b.jpg', 'a.PNG', 'deep/er/c.tiff', 'deep/d.webp', 'x[1].gif', '.hidden/e.jpg', 'notes.txt'];
for (const name of files) writeFileSync(join(folder, 'photos', name), '');
symlinkSync('nowhere', join(folder, 'photos', 'dangling.jpg'));
const at = (...names: string[]): string[] => names.map((name) => join(folder, 'photos', name));

test("a folder's pictures, at any depth, sorted, without hidden ones", async () => {
  const expected = at('a.PNG', 'b.jpg', 'deep/d.webp', 'deep/er/c.tiff', 'x[1].gif');
  expect(await findPictures(join(folder, 'photos'))).toEqual(expected);
  expect(await findPictures(`${join(folder, 'photos')}/`)).toEqual(expected);
  const near = relative(process.cwd(), join(folder, 'photos'));
  expect(await findPictures(near)).toEqual(expected.map((file) => relative(process.cwd(), file)));
});

test.each<[string, string[]]>([
  ['photos/*.{jpg,PNG}', ['a.PNG', 'b.jpg']],
  ['photos/deep/**', ['deep/d.webp', 'deep/er/c.tiff']],
])('the pattern %s', async (pattern, expected) => {
  expect(await findPictures(join(folder, pattern))).toEqual(at(...expected));
});

test('a relative pattern gives relative paths', async () => {
  expect(await findPictures('test/fixtures/preprocess/small*.png')).toEqual([
    'test/fixtures/preprocess/small.expected.png',
    'test/fixtures/preprocess/small.png',
  ]);
});

test('a file whose name looks like a pattern is found; an unknown name is kept', async () => {
  expect(await findPictures(at('x[1].gif')[0]!)).toEqual(at('x[1].gif'));
  expect(await findPictures('missing.jpg')).toEqual(['missing.jpg']);
  expect(await findPictures('a\0.jpg')).toEqual(['a\0.jpg']);
});

test('every usual extension, in either case, and - as it is', async () => {
  const names = ['a.jfif', 'b.JPE', 'c.avif', 'd.JPEG', 'e.tif'];
  mkdirSync(join(folder, 'names'));
  for (const name of [...names, 'f.bmp']) writeFileSync(join(folder, 'names', name), '');
  expect(await findPictures(join(folder, 'names'))).toEqual(names.map((name) => join(folder, 'names', name)));
  expect(await findPictures('-')).toEqual(['-']);
});

test('links are followed, and cycles end', async () => {
  const linked = join(folder, 'linked');
  mkdirSync(linked);
  symlinkSync(at('b.jpg')[0]!, join(linked, 'b.jpg'));
  symlinkSync(at('deep')[0]!, join(linked, 'deep'));
  symlinkSync('.', join(linked, 'loop'));
  const found = await findPictures(linked);
  expect(found).toEqual(expect.arrayContaining(['b.jpg', 'deep/d.webp'].map((name) => join(linked, name))));
  expect(found.length).toBeLessThan(20);
});

test.each([
  ['empty', /^a picture must be a folder with pictures in it, but got ".*empty"/],
  ['none/*.jpg', /^a picture must be a file, a folder or a pattern .*none\/\*\.jpg/],
])('%s names no picture', async (name, message) => {
  const [error] = await findPictures(join(folder, name));
  expect(error).toMatchObject({ code: 'ERR_FILE', message: expect.stringMatching(message) });
});
