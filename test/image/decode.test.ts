import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import sharp from 'sharp';
import { decode } from '../../lib/image/decode';
import { runScript } from '../support/node';
import { claimedPng, corners, fixture, quarters } from './pictures';

const RED = [200, 30, 40];
const GREEN = [50, 180, 60];
const BLUE = [70, 80, 220];
const YELLOW = [240, 230, 90];
const gray = ([r, g, b]: number[]): number => 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;

const GIFS: [string, string, [number, number], string][] = [
  [
    'whose transparent pixels carry a color',
    'R0lGODlhBAACAIEAAMgeKDK0PEZQ3PDmWiH5BAEAAAIALAAAAAAEAAIAAAIFRKhxYlAAOw==',
    [4, 2],
    'c81e2832b43c4650dcf0e65af0e65a4650dc32b43cc81e28',
  ],
  [
    'with a frame inside the canvas',
    'R0lGODlhBAADAIEAAMgeKDK0PEZQ3PDmWiH5BAEAAAIALAEAAQACAAEAAAICRAoAOw==',
    [4, 3],
    '4650dc4650dc4650dc4650dc4650dcc81e2832b43c4650dc4650dc4650dc4650dc4650dc',
  ],
  [
    'with such a frame and nothing transparent',
    'R0lGODlhBAADAIEAAMgeKDK0PEZQ3PDmWiwBAAEAAgABAAACAlQKADs=',
    [4, 3],
    'c81e28c81e28c81e28c81e28c81e284650dc32b43cc81e28c81e28c81e28c81e28c81e28',
  ],
  [
    'with a palette of the frame',
    'R0lGODlhBAADAIEAAMgeKDK0PEZQ3PDmWiH5BAEAAAMALAEAAQACAAEAgQECAwQFBgcICQoLDAICRAoAOw==',
    [4, 3],
    '0a0b0c0a0b0c0a0b0c0a0b0c0a0b0c0102030405060a0b0c0a0b0c0a0b0c0a0b0c0a0b0c',
  ],
  [
    'with a frame beyond the canvas',
    'R0lGODlhBAADAIEAAMgeKDK0PEZQ3PDmWiH5BAEAAAEALAMAAgADAAIAAAIERKgRKQA7',
    [6, 4],
    '32b43c32b43c32b43c32b43c32b43c32b43c32b43c32b43c32b43c32b43c32b43c32b43c32b43c32b43c32b43cc81e2832b43c4650dc32b43c32b43c32b43cf0e65ac81e2832b43c',
  ],
];

/** The first box of a HEIF file. */
const heif = (brand: string): Buffer => Buffer.from(`\0\0\0\x18ftyp${brand}\0\0\0\0mif1${brand}`, 'latin1');

/** A bitmap of one pixel. */
const bmp = (): Buffer =>
  Buffer.from(
    '424d3a000000000000003600000028000000010000000100000001001800000000000400000000000000000000000000000000000000ffffff00',
    'hex',
  );

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
    ['AVIF', () => quarters().avif({ lossless: true, chromaSubsampling: '4:4:4' }).toBuffer()],
    ['AVIF with alpha', () => quarters(4).avif({ lossless: true, chromaSubsampling: '4:4:4' }).toBuffer()],
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
  const half = async (format: 'avif' | 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff'): Promise<Buffer> => {
    const whole = await sharp(fixture('small.png')).toFormat(format).toBuffer();
    return whole.subarray(0, whole.length / 2);
  };

  test.each<[string, () => any, string, RegExp]>([
    ['empty bytes', () => new Uint8Array(0), 'ERR_IMAGE', /^image must be a JPEG.*0 bytes.*empty/],
    ['an empty file', () => file('empty.jpg', ''), 'ERR_IMAGE', /empty\.jpg.*empty/],
    ['text', () => file('text.png', 'not a picture'), 'ERR_IMAGE', /text\.png/],
    ['SVG', () => Buffer.from(svg), 'ERR_IMAGE', /a JPEG, PNG, WebP, TIFF, GIF or AVIF/],
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
    ['an ArrayBuffer of zeros', () => new ArrayBuffer(8), 'ERR_IMAGE', /8 bytes, which is none/],
    ['half an AVIF', () => half('avif'), 'ERR_IMAGE', /cannot be decoded/],
    ['HEIC', () => heif('heic'), 'ERR_IMAGE', /which is HEIC.*convert it to JPEG/],
    ['HEIF of an unnamed codec', () => heif('mif1'), 'ERR_IMAGE', /which is HEIC/],
    ['BMP', () => bmp(), 'ERR_IMAGE', /which is BMP.*convert it to PNG/],
    ['JPEG XL', () => Buffer.from('ff0a0000', 'hex'), 'ERR_IMAGE', /which is JPEG XL/],
    ['a wrong data: URL', () => 'data:image/png;base64', 'ERR_IMAGE', /valid data: URL.*no comma/],
    ['a data: URL with a wrong character', () => 'data:;base64,iVBO$', 'ERR_IMAGE', /not base64/],
    ['a data: URL of text', () => 'data:,not%20a%20picture', 'ERR_IMAGE', /which is none/],
    ['an address', () => 'https://example.org/cat.jpg', 'ERR_FILE', /fetch it, and pass its bytes/],
    ['a file: URL of another machine', () => 'file://host/cat.jpg', 'ERR_FILE', /host/],
    ['a Float32Array', () => new Float32Array(8), 'ERR_ARGUMENT', /Float32Array/],
  ])('%s', async (_, make, code, message) => {
    await expect(decode(await make())).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('bare base64 is a path, as is -, and an error never repeats much of either', async () => {
    const base64 = (await sharp(fixture('landscape.jpg')).png().toBuffer()).toString('base64');
    for (const image of [base64, base64.slice(0, 1000), base64.match(/.{76}/g)!.join('\n'), '-']) {
      const error = await decode(image).catch((reason: unknown) => reason as Error);
      expect(error).toMatchObject({ code: 'ERR_FILE' });
      expect((error as Error).message.length).toBeLessThan(500);
      expect(String((error as Error).cause).length).toBeLessThan(5000);
    }
    for (const data of ['data:image/png;base64,' + base64.slice(0, -4000), `data:image/png,${'x y'.repeat(1e6)}`]) {
      const error = await decode(data).catch((reason: unknown) => reason as Error);
      expect(error).toMatchObject({ code: 'ERR_IMAGE' });
      expect((error as Error).message.length).toBeLessThan(500);
    }
  });

  test('the pixel limit is the exact number of pixels', async () => {
    const bytes = await quarters().png().toBuffer();
    await expect(decode(bytes, { maxPixels: 32 })).resolves.toMatchObject({ width: 8 });
    await expect(decode(bytes, { maxPixels: 31 })).rejects.toMatchObject({ code: 'ERR_IMAGE' });
  });
});

describe('a picture may come as', () => {
  const forms: [string, (bytes: Buffer) => any][] = [
    ['a path', () => fixture('small.png')],
    ['a file: URL', () => pathToFileURL(fixture('small.png')).href],
    ['a data: URL', (bytes) => `data:image/png;base64,${bytes.toString('base64')}`],
    [
      'a data: URL with line breaks',
      (bytes) =>
        `DATA:;Base64,${bytes
          .toString('base64')
          .match(/.{1,76}/g)!
          .join('\r\n')}`,
    ],
    ['a data: URL with URL-safe base64', (bytes) => `data:;base64,${bytes.toString('base64url')}`],
    ['a data: URL with escapes', (bytes) => `data:;base64,${encodeURIComponent(bytes.toString('base64'))}`],
    [
      'a data: URL without base64',
      (bytes) => `data:image/png,${[...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')}`,
    ],
    ['a Buffer', (bytes) => bytes],
    [
      'a part of a larger Uint8Array',
      (bytes) => new Uint8Array(Buffer.concat([bytes, bytes])).subarray(0, bytes.length),
    ],
    ['a Uint8Array of another realm', (bytes) => runInNewContext('Uint8Array.from(bytes)', { bytes: [...bytes] })],
    ['a Uint8Array in shared memory', (bytes) => new Uint8Array(shared(bytes))],
    ['a SharedArrayBuffer', (bytes) => shared(bytes)],
    ['an ArrayBuffer', (bytes) => new Uint8Array(bytes).buffer],
    ['a Blob', (bytes) => new Blob([new Uint8Array(bytes)])],
    ['a File', (bytes) => new File([new Uint8Array(bytes)], 'small.png')],
  ];
  const shared = (bytes: Buffer): SharedArrayBuffer => {
    const memory = new SharedArrayBuffer(bytes.length);
    new Uint8Array(memory).set(bytes);
    return memory;
  };

  test.each(forms)('%s', async (_, form) => {
    const bytes = readFileSync(fixture('small.png'));
    const pixels = await sharp(bytes).raw().toBuffer();
    expect(Buffer.from((await decode(form(bytes))).data)).toEqual(pixels);
  });
});

describe('a PNG with a wrong CRC', () => {
  const png = async (): Promise<Buffer> => quarters().withMetadata({ density: 72 }).png({ palette: true }).toBuffer();

  test.each(['IHDR', 'PLTE', 'pHYs', 'IDAT', 'IEND'])('in %s is read', async (type) => {
    const bytes = await png();
    const at = bytes.indexOf(type, 8, 'latin1');
    bytes[at + 4 + bytes.readUInt32BE(at - 4)]! ^= 0xff;
    expect(corners(await decode(bytes))).toEqual(corners(await decode(await png())));
  });

  test('because its pixels are wrong is refused', async () => {
    const bytes = await sharp(fixture('landscape.jpg')).png().toBuffer();
    bytes[bytes.length >> 1]! ^= 0x10;
    await expect(decode(bytes)).rejects.toMatchObject({ code: 'ERR_IMAGE' });
  });

  test('and cut off anywhere is refused', async () => {
    const bytes = await quarters().resize(64, 64).png().toBuffer();
    const end = bytes.indexOf('IEND', 0, 'latin1') - 12; // the last CRC carries no pixels
    for (let length = 1; length < end; length++) {
      await expect(decode(bytes.subarray(0, length))).rejects.toMatchObject({ code: 'ERR_IMAGE' });
    }
  });
});

// Palette: four colors. The expected pixels are those of Pillow 13.0, Image.open(gif).convert('RGB').
test.each(GIFS)('a GIF %s has the color of its palette, as in Pillow', async (_, base64, size, pixels) => {
  const picture = await decode(Buffer.from(base64, 'base64'));
  expect([picture.width, picture.height]).toEqual(size);
  expect(Buffer.from(picture.data).toString('hex')).toBe(pixels);
});

test('the package loads without sharp', async () => {
  const script = `
    require('./dist');
    const loaded = Object.keys(require.cache).filter((file) => /node_modules.(sharp|@img)/.test(file));
    console.log(loaded.length);`;
  expect(await runScript(script)).toMatchObject({ code: 0, stdout: '0\n' });
});
