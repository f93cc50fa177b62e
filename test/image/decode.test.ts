import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { decode } from '../../lib/image/decode';
import { runScript } from '../support/node';
import { claimedPng, corners, fixture, quarters } from './pictures';

const RED = [200, 30, 40];
const GREEN = [50, 180, 60];
const BLUE = [70, 80, 220];
const YELLOW = [240, 230, 90];
const gray = ([r, g, b]: number[]): number => 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;

describe('whatever the file holds, 8-bit RGB comes out', () => {
  const exact: [string, () => Promise<Buffer>][] = [
    ['PNG', () => quarters().png().toBuffer()],
    ['PNG with a palette', () => quarters().png({ palette: true, colors: 4, dither: 0 }).toBuffer()],
    ['PNG of 16 bit', () => quarters().toColourspace('rgb16').png().toBuffer()],
    ['PNG with alpha, dropped and not composited', () => quarters(4).png().toBuffer()],
    ['WebP', () => quarters().webp({ lossless: true }).toBuffer()],
    ['WebP with alpha', () => quarters(4).webp({ lossless: true, exact: true }).toBuffer()],
    ['TIFF', () => quarters().tiff({ compression: 'lzw' }).toBuffer()],
    ['TIFF of 16 bit', () => quarters().toColourspace('rgb16').tiff({ compression: 'none' }).toBuffer()],
    ['GIF', () => quarters().gif({ dither: 0 }).toBuffer()],
  ];

  test.each(exact)('%s', async (_, make) => {
    const picture = await decode(await make());
    expect(picture).toMatchObject({ width: 8, height: 4 });
    expect(picture.data).toHaveLength(8 * 4 * 3);
    expect(corners(picture)).toEqual([RED, GREEN, BLUE, YELLOW]);
  });

  const close: [string, () => Promise<Buffer>, number][] = [
    ['JPEG', () => quarters().resize(160, 80, { kernel: 'nearest' }).jpeg({ quality: 95 }).toBuffer(), 6],
    // Printers' inks do not reach these colors: far off, and still each its own.
    ['CMYK JPEG', () => quarters().resize(160, 80, { kernel: 'nearest' }).toColourspace('cmyk').jpeg().toBuffer(), 80],
  ];

  test.each(close)('%s, about', async (_, make, most) => {
    const picture = await decode(await make());
    expect(picture.data).toHaveLength(160 * 80 * 3);
    const differences = corners(picture)
      .flat()
      .map((value, i) => Math.abs(value - [RED, GREEN, BLUE, YELLOW].flat()[i]!));
    expect(Math.max(...differences)).toBeLessThanOrEqual(most);
  });

  test.each([
    ['gray PNG', () => quarters().grayscale().png().toBuffer()],
    ['gray PNG of 16 bit', () => quarters().toColourspace('grey16').png().toBuffer()],
    ['gray PNG with alpha', () => quarters(4).grayscale().png().toBuffer()],
    ['gray JPEG', () => quarters().grayscale().jpeg({ quality: 100 }).toBuffer()],
  ])('%s', async (_, make) => {
    const picture = await decode(await make());
    expect(picture.data).toHaveLength(8 * 4 * 3);
    for (const [r, g, b] of corners(picture)) expect([g, b]).toEqual([r, r]);
    const [red, , , yellow] = corners(picture);
    expect(yellow![0]! - red![0]!).toBeGreaterThan((gray(YELLOW) - gray(RED)) / 2);
  });

  test("a GIF's first frame", async () => {
    const frames = await sharp(
      await Promise.all([quarters(), quarters().negate()].map((one) => one.png().toBuffer())),
      {
        join: { animated: true },
      },
    )
      .gif({ dither: 0, loop: 0 })
      .toBuffer();
    await expect(sharp(frames).metadata()).resolves.toMatchObject({ pages: 2 });
    const picture = await decode(frames);
    expect([picture.width, picture.height]).toEqual([8, 4]);
    expect(corners(picture)).toEqual([RED, GREEN, BLUE, YELLOW]);
  });
});

// By the EXIF specification: which corner of the stored picture is at the top left, top right, … of the shown one.
test.each([
  [1, [RED, GREEN, BLUE, YELLOW]],
  [2, [GREEN, RED, YELLOW, BLUE]],
  [3, [YELLOW, BLUE, GREEN, RED]],
  [4, [BLUE, YELLOW, RED, GREEN]],
  [5, [RED, BLUE, GREEN, YELLOW]],
  [6, [BLUE, RED, YELLOW, GREEN]],
  [7, [YELLOW, GREEN, BLUE, RED]],
  [8, [GREEN, YELLOW, RED, BLUE]],
])('EXIF orientation %i', async (orientation, expected) => {
  const picture = await decode(await quarters().png().withMetadata({ orientation }).toBuffer());
  expect([picture.width, picture.height]).toEqual(orientation < 5 ? [8, 4] : [4, 8]);
  expect(corners(picture)).toEqual(expected);
});

test('a path and its bytes are the same picture', async () => {
  const [one, other] = [await decode(fixture('small.png')), await sharp(fixture('small.png')).raw().toBuffer()];
  expect(Buffer.from(one.data)).toEqual(other);
});

describe('what is no picture', () => {
  const folder = mkdtempSync(join(tmpdir(), 'resnet-decode-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>';
  const half = async (format: 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff'): Promise<Buffer> => {
    const whole = await sharp(fixture('small.png')).toFormat(format).toBuffer();
    return whole.subarray(0, whole.length / 2);
  };

  test.each<[string, () => any, string, RegExp]>([
    ['empty bytes', () => new Uint8Array(0), 'ERR_IMAGE', /^image must be a JPEG.*0 bytes.*empty/],
    ['an empty file', () => file('empty.jpg', ''), 'ERR_IMAGE', /empty\.jpg.*empty/],
    ['text', () => file('text.png', 'not a picture'), 'ERR_IMAGE', /text\.png/],
    ['SVG', () => Buffer.from(svg), 'ERR_IMAGE', /a JPEG, PNG, WebP, TIFF or GIF/],
    ['SVG in a file', () => file('drawing.svg', svg), 'ERR_IMAGE', /drawing\.svg/],
    ['PDF', () => Buffer.from('%PDF-1.7\n'), 'ERR_IMAGE', /^image/],
    ['half a JPEG', () => half('jpeg'), 'ERR_IMAGE', /a whole JPEG.*cannot be decoded/],
    ['half a PNG', () => half('png'), 'ERR_IMAGE', /a whole JPEG.*cannot be decoded/],
    ['half a WebP', () => half('webp'), 'ERR_IMAGE', /cannot be decoded/],
    ['half a TIFF', () => half('tiff'), 'ERR_IMAGE', /cannot be decoded/],
    ['half a GIF', () => half('gif'), 'ERR_IMAGE', /cannot be decoded/],
    ['a signature alone', () => Buffer.from([0xff, 0xd8, 0xff]), 'ERR_IMAGE', /cannot be decoded/],
    ['a PNG claiming 2.5 billion pixels', () => claimedPng(50_000, 50_000), 'ERR_IMAGE', /maxPixels.*50000 x 50000/],
    ['a directory', () => folder, 'ERR_FILE', /directory/],
    ['nothing there', () => join(folder, 'missing.jpg'), 'ERR_FILE', /missing\.jpg.*ENOENT/],
    ['a device', () => '/dev/zero', 'ERR_FILE', /not a regular file/],
    ['an empty path', () => '', 'ERR_FILE', /""/],
    ['a path with a zero byte', () => 'a\0.jpg', 'ERR_FILE', /null bytes/],
    ['a number', () => 5, 'ERR_ARGUMENT', /^image must be .*but got 5/],
    ['nothing', () => undefined, 'ERR_ARGUMENT', /undefined/],
    ['an ArrayBuffer', () => new ArrayBuffer(8), 'ERR_ARGUMENT', /ArrayBuffer/],
  ])('%s', async (_, make, code, message) => {
    await expect(decode(await make())).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('the pixel limit is the exact number of pixels', async () => {
    const bytes = await quarters().png().toBuffer();
    await expect(decode(bytes, { maxPixels: 32 })).resolves.toMatchObject({ width: 8 });
    await expect(decode(bytes, { maxPixels: 31 })).rejects.toMatchObject({ code: 'ERR_IMAGE' });
  });
});

test('the package loads without sharp', async () => {
  const script = `
    require('./dist');
    const loaded = Object.keys(require.cache).filter((file) => /node_modules.(sharp|@img)/.test(file));
    console.log(loaded.length);`;
  expect(await runScript(script)).toMatchObject({ code: 0, stdout: '0\n' });
});
