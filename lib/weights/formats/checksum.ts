import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { malformedFile } from './malformed';
import type { Checksum } from './weight-file';

const CHUNK_BYTES = 1 << 18;

/** Verifies checksums against a file, read in chunks. @throws ERR_WEIGHTS_FORMAT */
export async function verifyInFile(path: string, file: FileHandle, checksums: Iterable<Checksum>): Promise<void> {
  const chunk = new Uint8Array(CHUNK_BYTES); // shared: hundreds of them would wait for the garbage collector
  for (const checksum of checksums) {
    const { offset, length } = checksum;
    let [value, done] = [0, 0];
    while (done < length) {
      const { bytesRead } = await file.read(chunk, 0, Math.min(CHUNK_BYTES, length - done), offset + done);
      if (bytesRead === 0) throw malformedFile(path, 'weight file', 'ends early: it was cut while it was read');
      value = crc32(chunk.subarray(0, bytesRead), value);
      done += bytesRead;
    }
    compare(path, checksum, value);
  }
}

/** Verifies a checksum against bytes in memory. @throws ERR_WEIGHTS_FORMAT */
export function verifyBytes(path: string, checksum: Checksum, bytes: Uint8Array): void {
  compare(path, checksum, crc32(bytes));
}

function compare(path: string, { record, crc32: expected }: Checksum, value: number): void {
  if (value === expected) return;
  const values = `${value.toString(16)} instead of ${expected.toString(16)}`;
  throw malformedFile(path, 'weight file', `is damaged: the CRC-32 of ${JSON.stringify(record)} is ${values}`);
}
