import { setImmediate } from 'node:timers/promises';
import type { ResNetError } from '../../errors';

/** What a window reads from: a file, or bytes in memory. */
export interface ByteSource {
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
}

const WINDOW_BYTES = 1 << 16;

/**
 * Reads a range of bytes from front to back, buffering a small part of it, so that skipped bytes cost no memory.
 * `ensure` is asynchronous; the reads of the bytes that it has buffered are not.
 */
export class ByteWindow {
  readonly #source: ByteSource;
  readonly #end: number;
  readonly #endsEarly: () => ResNetError;
  #bytes = new DataView(new ArrayBuffer(0));
  #start: number;
  #at = 0;

  /** @param endsEarly - makes the error for a read beyond the end */
  constructor(source: ByteSource, start: number, end: number, endsEarly: () => ResNetError) {
    this.#source = source;
    this.#start = start;
    this.#end = end;
    this.#endsEarly = endsEarly;
  }

  /** Offset of the next byte from the start of the source. */
  get position(): number {
    return this.#start + this.#at;
  }

  get remaining(): number {
    return this.#end - this.position;
  }

  /** Buffers the next `count` bytes. */
  async ensure(count: number): Promise<void> {
    if (this.has(count)) return;
    if (this.remaining < count) throw this.#endsEarly();
    const bytes = new Uint8Array(Math.min(Math.max(count, WINDOW_BYTES), this.remaining));
    const position = this.position;
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await this.#source.read(bytes, filled, bytes.length - filled, position + filled);
      if (bytesRead === 0) throw this.#endsEarly();
      filled += bytesRead;
    }
    this.#start = position;
    this.#at = 0;
    this.#bytes = new DataView(bytes.buffer);
  }

  /** Whether the next `count` bytes are buffered. */
  has(count: number): boolean {
    return this.#bytes.byteLength - this.#at >= count;
  }

  uint8(): number {
    return this.#bytes.getUint8(this.#advance(1));
  }

  uint16(): number {
    return this.#bytes.getUint16(this.#advance(2), true);
  }

  uint32(): number {
    return this.#bytes.getUint32(this.#advance(4), true);
  }

  int32(): number {
    return this.#bytes.getInt32(this.#advance(4), true);
  }

  /** Rounded above 2^53, which is longer than any file anyway. */
  uint64(): number {
    return Number(this.#bytes.getBigUint64(this.#advance(8), true));
  }

  /** Big-endian, as in pickles. */
  float64(): number {
    return this.#bytes.getFloat64(this.#advance(8), false);
  }

  /** A copy of the next `count` bytes. */
  copy(count: number): Uint8Array<ArrayBuffer> {
    const at = this.#advance(count);
    return new Uint8Array(this.#bytes.buffer, at, count).slice();
  }

  /** Skips the next `count` bytes, buffered or not. */
  skip(count: number): void {
    if (this.remaining < count) throw this.#endsEarly();
    this.#at += count;
    if (this.#at <= this.#bytes.byteLength) return;
    this.#start += this.#at;
    this.#at = 0;
    this.#bytes = new DataView(new ArrayBuffer(0));
  }

  #advance(count: number): number {
    const at = this.#at;
    this.#at += count;
    return at;
  }
}

/** Bytes in memory as a source; like a file, it lets the event loop run between two reads. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    read: async (buffer, offset, length, position) => {
      await setImmediate();
      const part = bytes.subarray(position, position + length);
      buffer.set(part, offset);
      return { bytesRead: part.length };
    },
  };
}
