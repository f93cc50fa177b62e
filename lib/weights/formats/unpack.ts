import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { DTYPE_BYTES, type DType } from '../../tensor';
import { malformedFile } from './malformed';
import { readBytes } from './read-bytes';
import { verifyBytes } from './checksum';
import { gather, isRowMajor, span } from './strides';
import type { Packing, FileRange, WeightEntry } from './weight-file';

/**
 * Reads a tensor that the file does not hold as contiguous little-endian values: inflates, decodes, gathers along the
 * strides, swaps bytes. Holds the storage of one tensor in memory.
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
  const bytes = await readStorage(path, file, entry, span(shape, packing.strides) * width);
  const values = isRowMajor(shape, packing.strides)
    ? bytes.slice(0, entry.length)
    : gather(bytes, shape, packing.strides, width);
  return packing.bigEndian ? swapBytes(values, width) : values;
}

/** Reads the part of the storage that the tensor covers. */
async function readStorage(
  path: string,
  file: FileHandle,
  { name, packing, checksum }: WeightEntry & { packing: Packing },
  length: number,
): Promise<Uint8Array> {
  const { ranges, start } = packing;
  const [first] = ranges;
  if (ranges.length === 1 && first?.encoding === 'none' && first.bytes === undefined)
    return readBytes(path, file, length, first.offset + start);
  const storage = new Uint8Array(ranges.reduce((sum, { size }) => sum + size, 0));
  let end = 0;
  for (const range of ranges) {
    const decoded = range.bytes ?? (await decode(path, file, name, range));
    storage.set(decoded, end);
    end += decoded.length;
  }
  if (checksum !== undefined && first?.encoding === 'deflate') verifyBytes(path, checksum, storage);
  return storage.subarray(start, start + length);
}

async function decode(path: string, file: FileHandle, name: string, range: FileRange): Promise<Uint8Array> {
  const bytes = await readBytes(path, file, range.length, range.offset);
  if (range.encoding === 'none') return bytes;
  const decoded = range.encoding === 'latin1' ? decodeLatin1(bytes, range.size) : await inflate(bytes, range.size);
  if (decoded?.length === range.size) return decoded;
  throw malformedFile(path, 'weight file', `has a tensor ${JSON.stringify(name)} that does not unpack to its size`);
}

/** Undefined if the bytes are not a deflate stream, or inflate to more than `size`; then inflating stops there. */
export async function inflate(bytes: Uint8Array, size: number): Promise<Uint8Array | undefined> {
  try {
    return await promisify(inflateRaw)(bytes, { maxOutputLength: Math.max(size, 1) });
  } catch {
    return undefined;
  }
}

/** Decodes UTF-8 text whose characters, up to U+00FF, are the bytes. Undefined if it is something else. */
function decodeLatin1(text: Uint8Array, size: number): Uint8Array | undefined {
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

function swapBytes(bytes: Uint8Array<ArrayBuffer>, width: number): Uint8Array<ArrayBuffer> {
  const buffer = Buffer.from(bytes.buffer);
  if (width === 2) buffer.swap16();
  else if (width === 4) buffer.swap32();
  else if (width === 8) buffer.swap64();
  return bytes;
}
