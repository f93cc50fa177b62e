import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { brokenFile } from './broken';
import { readBytes } from './bytes';
import type { Checksum } from './weight-file';

const CHUNK_BYTES = 1 << 20;

/** Reads what a checksum is of and compares, a megabyte at a time. @throws ERR_WEIGHTS_FORMAT */
export async function checkInFile(path: string, file: FileHandle, checksum: Checksum): Promise<void> {
  const { offset, length } = checksum;
  let value = 0;
  for (let done = 0; done < length; done += CHUNK_BYTES) {
    value = crc32(await readBytes(path, file, Math.min(CHUNK_BYTES, length - done), offset + done), value);
  }
  compare(path, checksum, value);
}

/** Compares bytes that are in memory. @throws ERR_WEIGHTS_FORMAT */
export function checkCrc(path: string, checksum: Checksum, bytes: Uint8Array): void {
  compare(path, checksum, crc32(bytes));
}

function compare(path: string, { record, crc32: expected }: Checksum, value: number): void {
  if (value === expected) return;
  const values = `${value.toString(16)} instead of ${expected.toString(16)}`;
  throw brokenFile(path, 'weight file', `is damaged: the CRC-32 of ${JSON.stringify(record)} is ${values}`);
}
