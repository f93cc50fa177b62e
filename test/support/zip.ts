import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipOptions {
  deflate?: boolean;
  /** Sizes and offsets in zip64's fields, as in archives above 4 GB. */
  zip64?: boolean;
  /** In place of each right CRC-32. */
  crc?: number;
  /** In place of the right size of a tensor's storage. */
  size?: number;
}

/** A zip archive, for files that tests make up. */
export function zip(records: readonly (readonly [string, Uint8Array])[], options: ZipOptions = {}): Buffer {
  const { deflate = false, zip64 = false } = options;
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  const add = (to: Buffer[], ...bytes: Buffer[]): void => void to.push(...bytes);
  for (const [name, bytes] of records) {
    const packed = deflate ? deflateRawSync(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const size = name.includes('/data/') ? (options.size ?? bytes.length) : bytes.length;
    const path = Buffer.from(name);
    const header = little([2, 0x0800], [2, deflate ? 8 : 0], [2, 0], [2, 0], [4, options.crc ?? crc32(bytes)]);
    const sizes = little([4, zip64 ? 0xffffffff : packed.length], [4, zip64 ? 0xffffffff : size]);
    const extra = zip64 ? little([2, 1], [2, 24], [8, size], [8, packed.length], [8, offset]) : Buffer.alloc(0);
    const local = [little([4, 0x04034b50], [2, 45]), header, sizes, little([2, path.length], [2, 0]), path, packed];
    add(parts, ...local);
    const place = little([2, 0], [2, 0], [2, 0], [4, 0], [4, zip64 ? 0xffffffff : offset]);
    const lengths = little([2, path.length], [2, extra.length]);
    add(directory, little([4, 0x02014b50], [2, 45], [2, 45]), header, sizes, lengths, place, path, extra);
    offset += local.reduce((sum, part) => sum + part.length, 0);
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const count = records.length;
  const end64 = [
    little([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, count], [8, count], [8, size], [8, offset]),
    little([4, 0x07064b50], [4, 0], [8, offset + size], [4, 1]),
  ];
  const [most, at] = zip64 ? [0xffff, 0xffffffff] : [count, offset];
  const end = little([4, 0x06054b50], [2, 0], [2, 0], [2, most], [2, most], [4, size], [4, at], [2, 0]);
  return Buffer.concat([...parts, ...directory, ...(zip64 ? end64 : []), end]);
}

/** Little-endian numbers, each after its width in bytes. */
function little(...fields: [number, number][]): Buffer {
  return Buffer.concat(
    fields.map(([width, value]) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(value));
      return bytes.subarray(0, width);
    }),
  );
}
