import sharp from 'sharp';
import { decode } from '../../lib/image/decode';
import { jpegHeader } from '../../lib/image/jpeg-header';
import { quarters } from './pictures';

const picture = (): sharp.Sharp => quarters().resize(70, 50, { kernel: 'nearest' });

test.each<[string, () => sharp.Sharp, number]>([
  ['baseline', () => picture().jpeg(), 3],
  ['progressive', () => picture().jpeg({ progressive: true }), 3],
  ['full color resolution', () => picture().jpeg({ chromaSubsampling: '4:4:4' }), 3],
  ['restart markers and metadata', () => picture().jpeg({ optimizeCoding: false }).withMetadata({ orientation: 6 }), 3],
  ['gray', () => picture().toColourspace('b-w').jpeg(), 1],
  ['CMYK', () => picture().toColourspace('cmyk').jpeg(), 4],
])('%s: what sharp says', async (_, make, channels) => {
  const bytes = await make().toBuffer();
  const { width, height } = await sharp(bytes).metadata();
  expect(jpegHeader(bytes)).toEqual({ width, height, depth: 8, channels });
  // A view into a larger buffer, as Node's own pool gives.
  const padded = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), bytes]);
  expect(jpegHeader(padded.subarray(3))).toEqual({ width: 70, height: 50, depth: 8, channels });
});

test('a header that is cut off, or is none, is left to the decoder', async () => {
  const bytes = await picture().jpeg().toBuffer();
  const header = jpegHeader(bytes);
  const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
  for (let length = 0; length < bytes.length; length++) {
    expect(jpegHeader(bytes.subarray(0, length))).toEqual(length < frame + 10 ? undefined : header);
  }
  expect(jpegHeader(await picture().png().toBuffer())).toBeUndefined();
  const odd = Buffer.from(bytes);
  odd[2] = 0; // not a marker
  expect(jpegHeader(odd)).toBeUndefined();
});

test('a JPEG that claims too many pixels is not decoded', async () => {
  const bytes = await picture().jpeg().toBuffer();
  const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
  bytes.writeUInt16BE(65_500, frame + 5);
  bytes.writeUInt16BE(65_500, frame + 7);
  await expect(decode(bytes)).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    message: expect.stringMatching(/maxPixels.*65500 x 65500/),
  });
});
