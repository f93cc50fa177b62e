import type { FileHandle } from 'node:fs/promises';
import { ResNetError } from '../../errors';

/** Reads into a new buffer, so that a typed array can start at its first byte. */
export async function readBytes(
  path: string,
  file: FileHandle,
  length: number,
  position: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, position + filled);
    if (bytesRead === 0)
      throw new ResNetError('ERR_WEIGHTS_FORMAT', `${path} ends early: it was cut while it was read.`);
    filled += bytesRead;
  }
  return bytes;
}
