import { setImmediate } from 'node:timers/promises';
import type { Metadata, OutputInfo, Sharp, SharpOptions } from 'sharp';
import type { NativePicture } from '../native/addon';
import { reasonOf, ResNetError } from '../errors';
import { misplacedFile } from '../file-kind';
import { formatOf, FORMATS, otherFormatOf, type OtherFormat } from '../picture-format';
import { fillOutside, firstGifFrame } from './gif';
import { checkImage, describeImage, readImage, type Image } from './image';
import { jpegHeader } from './jpeg-header';
import { loadSharp } from './sharp';

/** Options of {@link decode}. */
export interface DecodeOptions {
  /** Maximum number of pixels (width times height). Default: {@link MAX_PIXELS}. */
  maxPixels?: number | undefined;
  /** What error messages call the picture. Default: `image`. */
  argument?: string | undefined;
}

/** The default pixel limit: 300 MB once decoded. */
export const MAX_PIXELS = 100_000_000;

/** The addon's limit. */
const LONGEST_SIDE = 2 ** 20;

/**
 * Decodes a picture to 8-bit RGB, as Pillow's `convert('RGB')` does: gray, palette, 16 bit and CMYK become RGB, alpha
 * is dropped (not composited), color profiles are ignored. EXIF orientation is applied. Of several frames or pages
 * the first one is taken.
 *
 * @throws ERR_FILE (no readable file), ERR_IMAGE (no picture, a truncated one, too many pixels), ERR_ARGUMENT,
 *   ERR_DEPENDENCY (sharp cannot be loaded)
 */
export async function decode(image: Image, options: DecodeOptions = {}): Promise<NativePicture> {
  const { maxPixels = MAX_PIXELS, argument = 'image' } = options;
  checkImage(image, argument);
  const bytes = await readImage(image, argument);
  const name = describeImage(image);
  const refused = (reason: string, cause?: unknown): ResNetError =>
    new ResNetError('ERR_IMAGE', `${argument} must be ${reason}`, { cause });

  // Only bytes that look like a picture reach a decoder: sharp would read SVG, PDF and what else it was built with.
  if (bytes.length === 0) throw refused(`a ${FORMATS}, but got ${name}, which is empty.`);
  const format = formatOf(bytes);
  if (format === undefined) {
    const other = otherFormatOf(bytes);
    const hint = typeof image === 'string' && !/^data:/i.test(image) ? misplacedFile(bytes, 'picture') : '';
    throw refused(`a ${FORMATS}, but got ${name}, which is ${other === undefined ? 'none' : ADVICE[other]}.${hint}`);
  }
  const sharp = await loadSharp();
  const gif = format === 'gif' ? firstGifFrame(bytes) : undefined;
  const encoded = gif?.transparencyAt === undefined ? bytes : withoutTransparency(bytes, gif.transparencyAt);
  const source = (): Sharp => sharp(encoded, format === 'png' ? PNG_SETTINGS : SETTINGS);
  const undecodable = (error: unknown): ResNetError =>
    refused(`a whole ${FORMATS}, but got ${name}, which cannot be decoded: ${reasonOf(error)}`, error);

  let header: Header;
  try {
    header = headerOfJpeg(bytes) ?? (await source().metadata());
  } catch (error) {
    throw undecodable(error);
  }
  const { width, height, depth, space } = header;
  if (header.format !== (format === 'avif' ? 'heif' : format)) {
    throw refused(`a ${FORMATS}, but got ${name}, which is of format ${header.format}.`);
  }
  if (width * height > maxPixels) {
    throw refused(`of at most ${maxPixels} pixels (maxPixels), but got ${name}, which has ${width} x ${height}.`);
  }
  if (Math.max(width, height) > LONGEST_SIDE) {
    throw refused(`of at most ${LONGEST_SIDE} pixels a side, but got ${name}, which has ${width} x ${height}.`);
  }
  if (depth !== 'uchar' && depth !== 'ushort') {
    throw refused(`of 8 or 16 bits a channel, but got ${name}, whose values are ${depth}.`);
  }
  const cmyk = space === 'cmyk';
  let pixels: { data: Buffer; info: OutputInfo };
  try {
    const decoding = cmyk
      ? source().pipelineColourspace('cmyk').toColourspace('cmyk') // as stored; sharp would print it by a profile
      : source().removeAlpha().toColourspace('srgb');
    pixels = await decoding.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  } catch (error) {
    throw undecodable(error);
  }
  const { data, info } = pixels;
  if (info.channels !== (cmyk ? 4 : 3)) {
    throw refused(`a ${FORMATS} in color or gray, but got ${name} of other channels.`);
  }
  if (gif !== undefined) fillOutside(gif, data, info.width, info.height);
  return { data: cmyk ? await rgbOfCmyk(data) : data, width: info.width, height: info.height };
}

/** What is not decoded, and what to do about it. */
const ADVICE: Readonly<Record<OtherFormat, string>> = {
  heic: 'HEIC, whose codec is patented and not included: convert it to JPEG, PNG or AVIF, for instance with heif-convert or macOS sips',
  bmp: 'BMP, which libvips cannot read here: convert it to PNG',
  'jpeg-xl': 'JPEG XL: convert it to PNG or JPEG',
  'jpeg-2000': 'JPEG 2000: convert it to PNG or JPEG',
};

/** libvips would make transparent pixels black; the alpha of other formats leaves their color. */
function withoutTransparency(gif: Uint8Array, flagAt: number): Uint8Array {
  const copy = new Uint8Array(gif);
  copy[flagAt] = (copy[flagAt] ?? 0) & ~1;
  return copy;
}

type Header = Pick<Metadata, 'format' | 'width' | 'height' | 'depth' | 'space'>;

/**
 * The fields of the header. sharp's metadata() has them too, but opens another decoder, which takes a tenth of the time
 * of decoding a photograph.
 */
function headerOfJpeg(bytes: Uint8Array): Header | undefined {
  const header = jpegHeader(bytes);
  if (header === undefined) return undefined;
  const { width, height, depth, channels } = header;
  if (width === 0 || height === 0 || depth !== 8 || (channels !== 1 && channels !== 3)) return undefined;
  return { format: 'jpeg', width, height, depth: 'uchar', space: channels === 1 ? 'b-w' : 'srgb' };
}

/** Pillow's conversion, without color profiles: each color is what its ink and black leave of white. */
async function rgbOfCmyk(cmyk: Uint8Array): Promise<Uint8Array> {
  const rgb = new Uint8Array((cmyk.length / 4) * 3);
  for (let from = 0, to = 0; from < cmyk.length; from += 4) {
    if (from % CMYK_AT_ONCE === 0) await setImmediate(); // so that a hundred million pixels do not block the event loop
    const white = 255 - (cmyk[from + 3] ?? 0);
    for (let c = 0; c < 3; c++) {
      const product = (cmyk[from + c] ?? 0) * white + 128;
      rgb[to++] = white - ((product + (product >> 8)) >> 8); // divided by 255, rounded
    }
  }
  return rgb;
}

/** Bytes, a few milliseconds' worth. */
const CMYK_AT_ONCE = 2 ** 21;

const SETTINGS: SharpOptions = {
  autoOrient: true,
  failOn: 'error', // truncated pictures fail; Pillow accepts what decoders only warn about, too
  ignoreIcc: true, // as Pillow: networks were trained on the values in the file
  limitInputPixels: false, // checked here, from the header, with our own message
};

/** Wrong CRCs of a PNG are ignored, as Pillow does for its pixels; these have the checksum of zlib besides. */
const PNG_SETTINGS: SharpOptions = { ...SETTINGS, failOn: 'truncated' };
