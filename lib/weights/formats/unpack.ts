import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { DTYPE_BYTES, type DType } from '../../tensor';
import { brokenFile } from './broken-file';
import { readBytes } from './read-bytes';
import { checkCrc } from './checksum';
import { gather, isRowMajor, span } from './strides';
import type { Packing, Piece, WeightEntry } from './weight-file';

/**
 * The values of a tensor that does not lie in the file as it is wanted: inflated, decoded, gathered along its strides,
 * turned to little-endian. Holds one tensor's storage at a time.
 *
 * @throws ERR_WEIGHTS_FORMAT
 */
export async function readPacked(
  path: string,
  file: FileHandle,
  entry: WeightEntry & { dtype: DType; packing: Packing },
): Promise<Uint8Array<ArrayBuffer>> {
  const { shape, packing, dtype } = entry;
  const width = DTYPE_BYTES[dtype];
  const bytes = await storageFrom(path, file, entry, span(shape, packing.strides) * width);
  const values = isRowMajor(shape, packing.strides)
    ? bytes.slice(0, entry.length)
    : gather(bytes, shape, packing.strides, width);
  return packing.bigEndian ? swapped(values, width) : values;
}

/** The part of the storage that the tensor touches. */
async function storageFrom(
  path: string,
  file: FileHandle,
  { name, packing, checksum }: WeightEntry & { packing: Packing },
  length: number,
): Promise<Uint8Array> {
  const { pieces, start } = packing;
  const [first] = pieces;
  if (pieces.length === 1 && first?.coding === 'none' && first.bytes === undefined)
    return readBytes(path, file, length, first.offset + start);
  const storage = new Uint8Array(pieces.reduce((sum, { size }) => sum + size, 0));
  let end = 0;
  for (const piece of pieces) {
    const decoded = piece.bytes ?? (await decode(path, file, name, piece));
    storage.set(decoded, end);
    end += decoded.length;
  }
  if (checksum !== undefined && first?.coding === 'deflate') checkCrc(path, checksum, storage);
  return storage.subarray(start, start + length);
}

async function decode(path: string, file: FileHandle, name: string, piece: Piece): Promise<Uint8Array> {
  const bytes = await readBytes(path, file, piece.length, piece.offset);
  if (piece.coding === 'none') return bytes;
  const decoded = piece.coding === 'latin1' ? fromLatin1(bytes, piece.size) : await inflated(bytes, piece.size);
  if (decoded?.length === piece.size) return decoded;
  throw brokenFile(path, 'weight file', `has a tensor ${JSON.stringify(name)} that does not unpack to its size`);
}

/** Undefined where the bytes are no deflate stream or hold more than `size`: what would be inflated beyond is not. */
export async function inflated(bytes: Uint8Array, size: number): Promise<Uint8Array | undefined> {
  try {
    return await promisify(inflateRaw)(bytes, { maxOutputLength: Math.max(size, 1) });
  } catch {
    return undefined;
  }
}

/** Characters up to U+00FF, which are the bytes. Undefined where it is something else. */
function fromLatin1(text: Uint8Array, size: number): Uint8Array | undefined {
  const bytes = new Uint8Array(size);
  let [at, count] = [0, 0];
  while (at < text.length && count < size) {
    const lead = text[at++] as number;
    if (lead < 0x80) bytes[count++] = lead;
    else if (lead === 0xc2 || lead === 0xc3) {
      const trail = text[at++] ?? 0;
      if (trail >> 6 !== 2) return undefined;
      bytes[count++] = ((lead & 3) << 6) | (trail & 0x3f);
    } else return undefined;
  }
  return at === text.length && count === size ? bytes : undefined;
}

function swapped(bytes: Uint8Array<ArrayBuffer>, width: number): Uint8Array<ArrayBuffer> {
  const buffer = Buffer.from(bytes.buffer);
  if (width === 2) buffer.swap16();
  else if (width === 4) buffer.swap32();
  else if (width === 8) buffer.swap64();
  return bytes;
}
