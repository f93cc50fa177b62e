import { setImmediate } from 'node:timers/promises';
import { isUint8Array } from 'node:util/types';
import type { Metadata, OutputInfo, Sharp, SharpOptions } from 'sharp';
import type { NativePicture } from '../native/addon';
import { badArgument, ResNetError, inspect } from '../errors';
import { misplacedFile, misplacedFolder } from '../file-kind';
import { withRegularFile } from '../regular-file';
import { jpegHeader } from './jpeg-header';
import { loadSharp } from './sharp';

/** A path, or a picture's bytes: JPEG, PNG, WebP, TIFF, or the first frame of a GIF. */
export type Image = string | Uint8Array;

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

const FORMATS = 'JPEG, PNG, WebP, TIFF or GIF picture';
const KNOWN: ReadonlySet<string> = new Set(['jpeg', 'png', 'webp', 'tiff', 'gif']);

/**
 * Decodes a picture to 8-bit RGB, as Pillow's `convert('RGB')` does: gray, palette, 16 bit and CMYK become RGB, alpha
 * is dropped (not composited), color profiles are ignored. EXIF orientation is applied. Of several frames or pages
 * the first one is taken.
 *
 * @param image - a path, or the bytes of a JPEG, PNG, WebP, TIFF or GIF
 * @throws ERR_FILE (no readable file), ERR_IMAGE (no picture, a truncated one, too many pixels), ERR_ARGUMENT,
 *   ERR_DEPENDENCY (sharp cannot be loaded)
 */
export async function decode(image: string | Uint8Array, options: DecodeOptions = {}): Promise<NativePicture> {
  const { maxPixels = MAX_PIXELS, argument = 'image' } = options;
  checkImage(image, argument);
  const bytes = typeof image === 'string' ? await readPicture(image, argument) : image;
  const name = typeof image === 'string' ? inspect(image) : `${bytes.length} bytes`;
  const refused = (reason: string, cause?: unknown): ResNetError =>
    new ResNetError('ERR_IMAGE', `${argument} must be ${reason}`, { cause });

  // Only bytes that look like a picture reach a decoder: sharp would read SVG, PDF and what else it was built with.
  if (bytes.length === 0) throw refused(`a ${FORMATS}, but got ${name}, which is empty.`);
  if (!looksLikePicture(bytes)) {
    const hint = typeof image === 'string' ? misplacedFile(bytes, 'picture') : '';
    throw refused(`a ${FORMATS}, but got ${name}, which is none.${hint}`);
  }
  const sharp = await loadSharp();
  const source = (): Sharp => sharp(bytes, SETTINGS);
  const undecodable = (error: unknown): ResNetError =>
    refused(`a whole ${FORMATS}, but got ${name}, which cannot be decoded: ${firstLine(error)}`, error);

  let header: Header;
  try {
    header = headerOfJpeg(bytes) ?? (await source().metadata());
  } catch (error) {
    throw undecodable(error);
  }
  const { format, width, height, depth, space } = header;
  if (!KNOWN.has(format)) throw refused(`a ${FORMATS}, but got ${name}, which is of format ${format}.`);
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
  return { data: cmyk ? await rgbOfCmyk(data) : data, width: info.width, height: info.height };
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

/** @throws ERR_ARGUMENT if `image` is neither a path nor bytes */
export function checkImage(image: unknown, argument: string): asserts image is string | Uint8Array {
  if (typeof image !== 'string' && !isUint8Array(image)) {
    throw badArgument(argument, "a path or a picture's bytes (Uint8Array)", image);
  }
}

const SETTINGS: SharpOptions = {
  autoOrient: true,
  failOn: 'error', // truncated pictures fail; Pillow accepts what decoders only warn about, too
  ignoreIcc: true, // as Pillow: networks were trained on the values in the file
  limitInputPixels: false, // checked here, from the header, with our own message
};

async function readPicture(path: string, argument: string): Promise<Uint8Array> {
  try {
    return await withRegularFile(path, (file) => file.readFile());
  } catch (error) {
    const reason = firstLine(error);
    const hint = await misplacedFolder(path, 'picture');
    const message = `${argument} must be a readable file, but got ${inspect(path)}: ${reason}.${hint}`;
    throw new ResNetError('ERR_FILE', message, { cause: error });
  }
}

/** By the first bytes of the five formats. */
function looksLikePicture(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  return SIGNATURES.some((start) => head.startsWith(start)) || /^RIFF[^]{4}WEBP/.test(head);
}

const SIGNATURES = ['\xff\xd8\xff', '\x89PNG\r\n\x1a\n', 'GIF87a', 'GIF89a', 'II*\0', 'II+\0', 'MM\0*', 'MM\0+'];

function firstLine(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return line;
}
