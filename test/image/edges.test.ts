import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { ImageClassifier } from '../../lib/image/classifier';
import { decode } from '../../lib/image/decode';
import { fixture } from './pictures';

// 4 x 2 pixels of CMYK written by Pillow 13, and what its convert('RGB') makes of them.
const CMYK =
  'SUkqAAgAAAAKAAABBAABAAAABAAAAAEBBAABAAAAAgAAAAIBAwAEAAAAhgAAAAMBAwABAAAAAQAAAAYBAwABAAAABQAAABEBBAABAAAAjgAA' +
  'ABUBAwABAAAABAAAABYBBAABAAAAAgAAABcBBAABAAAAIAAAABwBAwABAAAAAQAAAAAAAAAIAAgACAAIAAAAAAD/AAAAAP8KFANNyIAMIjj/' +
  'ZGRkZP4Bf8ghQmMF';
const RGB = [
  [255, 255, 255],
  [0, 255, 255],
  [235, 0, 226],
  [126, 89, 27],
  [0, 0, 0],
  [94, 94, 94],
  [0, 55, 28],
  [218, 185, 153],
];

test("CMYK becomes RGB by Pillow's rule", async () => {
  const { data, width, height } = await decode(Buffer.from(CMYK, 'base64'));
  expect([width, height, [...data]]).toEqual([4, 2, RGB.flat()]);
});

test('values of other than 8 or 16 bits are refused', async () => {
  // A TIFF of 4 x 4 float32: libvips would take 1.0 for white, others 255.
  const float = Buffer.from(
    'SUkqAAgAAAAKAAABAwABAAAABAAAAAEBAwABAAAABAAAAAIBAwADAAAAhgAAAAMBAwABAAAAAQAAAAYBAwABAAAAAgAAABEBBAABAAAAkgAA' +
      'ABUBAwABAAAAAwAAABYBAwABAAAABAAAABcBBAABAAAAwAAAAFMBAwADAAAAjAAAAAAAAAAgACAAIAADAAMAAwAA',
    'base64',
  );
  const message = expect.stringMatching(/^image must be of 8 or 16 bits a channel.*float/);
  await expect(decode(Buffer.concat([float, Buffer.alloc(192)]))).rejects.toMatchObject({ code: 'ERR_IMAGE', message });
});

test('a side longer than the addon takes is refused as a picture', async () => {
  const line = await sharp({ create: { width: 2 ** 20 + 1, height: 1, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const message = expect.stringMatching(/^image must be of at most 1048576 pixels a side.*1048577 x 1/);
  await expect(decode(line)).rejects.toMatchObject({ code: 'ERR_IMAGE', message });
});

test('a named pipe that nobody writes does not hang', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'resnet-pipe-'));
  try {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const message = expect.stringMatching(/pipe.*not a regular file/);
    await expect(decode(join(folder, 'pipe'))).rejects.toMatchObject({ code: 'ERR_FILE', message });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('more pictures than one forward takes, in their order', async () => {
  using classifier = await ImageClassifier.create({ weights: 'random:1', layers: 18, preprocess: { crop: 32 } });
  const [small, large] = ['small.png', 'landscape.jpg'].map(fixture) as [string, string];
  const images = Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? large : small));
  const all = await classifier.classify(images, { topK: 1 });
  const alone = [await classifier.classify(large, { topK: 1 }), await classifier.classify(small, { topK: 1 })];
  expect(all.map(([best]) => best!.index)).toEqual(images.map((image) => alone[image === large ? 0 : 1]![0]!.index));
  await expect(classifier.classify([...images, 'missing.png'])).rejects.toMatchObject({
    code: 'ERR_FILE',
    message: expect.stringMatching(/^image\[40\]/),
  });
});

test('dispose lets what was begun finish, and its preprocessing can be read', async () => {
  const classifier = await ImageClassifier.create({ weights: 'random:1', layers: 18, preprocess: { resize: 232 } });
  expect(classifier.preprocess).toMatchObject({ resize: 232, crop: 224 });
  const work = classifier.classify(fixture('small.png')); // still reading its file
  classifier.dispose();
  await expect(work).resolves.toHaveLength(5);
  await expect(classifier.classify(fixture('small.png'))).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
});
