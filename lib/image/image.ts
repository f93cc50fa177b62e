import { fileURLToPath } from 'node:url';
import { isAnyArrayBuffer, isUint8Array } from 'node:util/types';
import { badArgument, inspect, reasonOf, ResNetError } from '../errors';
import { misplacedFolder } from '../file-kind';
import { withRegularFile } from '../regular-file';
import { bytesOfDataUrl } from './data-url';

/**
 * A picture: JPEG, PNG, WebP, TIFF, AVIF, or the first frame of a GIF. A string is a path, a `file:` URL or a `data:`
 * URL; anything else holds the bytes of such a file.
 */
export type Image = string | Uint8Array | ArrayBuffer | Blob;

/** @throws ERR_ARGUMENT if `image` is not an {@link Image} */
export function checkImage(image: unknown, argument: string): asserts image is Image {
  if (typeof image === 'string' || isUint8Array(image) || isAnyArrayBuffer(image) || image instanceof Blob) return;
  const expected = "a path, a file: or data: URL, or a picture's bytes (Uint8Array, ArrayBuffer, Blob)";
  throw badArgument(argument, expected, image);
}

/** Checks a picture and copies its bytes, which the caller may change later. A Blob cannot change. @throws ERR_ARGUMENT */
export function copyImage(image: unknown, argument: string): Image {
  checkImage(image, argument);
  if (typeof image === 'string' || image instanceof Blob) return image;
  return new Uint8Array(isUint8Array(image) ? image : new Uint8Array(image));
}

/** What messages call a picture: where it is, or how many bytes it has. */
export function describeImage(image: Image): string {
  if (typeof image === 'string') return inspect(image);
  return `${image instanceof Blob ? image.size : image.byteLength} bytes`;
}

/** The bytes of a picture's file; a view, as a Buffer of this realm, of those that `image` holds. @throws ERR_FILE, ERR_IMAGE */
export async function readImage(image: Image, argument: string): Promise<Uint8Array> {
  if (isUint8Array(image)) return Buffer.from(image.buffer, image.byteOffset, image.byteLength);
  if (typeof image === 'string' && /^data:/i.test(image)) return bytesOfDataUrl(image, argument);
  try {
    if (typeof image !== 'string') return new Uint8Array(image instanceof Blob ? await image.arrayBuffer() : image);
    if (/^https?:/i.test(image)) throw new Error('addresses are not fetched; fetch it, and pass its bytes');
    return await withRegularFile(isFileUrl(image) ? fileURLToPath(image) : image, (file) => file.readFile());
  } catch (error) {
    const hint = typeof image === 'string' ? await misplacedFolder(image, 'picture') : '';
    const message = `${argument} must be a readable file, but got ${describeImage(image)}: ${reasonOf(error)}.${hint}`;
    throw new ResNetError('ERR_FILE', message, { cause: error });
  }
}

function isFileUrl(text: string): boolean {
  return /^file:/i.test(text);
}
