import type { FileHandle } from 'node:fs/promises';

/** Bytes as an open file, as far as readers of weight files ask for one; arguments are checked as Node checks them. */
export function memoryFile(bytes: Uint8Array): FileHandle {
  const read = (
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number }> => {
    if (!(offset >= 0 && length >= 0 && offset + length <= buffer.length && Number.isSafeInteger(position))) {
      return Promise.reject(new RangeError(`read of ${length} bytes at ${position} to ${offset} of ${buffer.length}`));
    }
    const part = bytes.subarray(Math.min(position, bytes.length), Math.min(position + length, bytes.length));
    buffer.set(part, offset);
    return Promise.resolve({ bytesRead: part.length });
  };
  return { stat: () => Promise.resolve({ size: bytes.length }), read } as unknown as FileHandle;
}
