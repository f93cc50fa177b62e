import { setImmediate } from 'node:timers/promises';
import type { ResNetError } from '../../errors';

/** What a window reads from: a file, or bytes that are in memory already. */
export interface ByteSource {
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
}

const WINDOW_BYTES = 1 << 16;

/**
 * Goes through a stretch of bytes from front to back and holds a little of it at a time, so that what is skipped
 * costs no memory. `ensure` waits, what comes after it does not.
 */
export class ByteWindow {
  readonly #source: ByteSource;
  readonly #end: number;
  readonly #endsEarly: () => ResNetError;
  #bytes = new DataView(new ArrayBuffer(0));
  #start: number;
  #at = 0;

  /** @param endsEarly - what is thrown where more is wanted than there is */
  constructor(source: ByteSource, start: number, end: number, endsEarly: () => ResNetError) {
    this.#source = source;
    this.#start = start;
    this.#end = end;
    this.#endsEarly = endsEarly;
  }

  /** Of the next byte, from the start of the source. */
  get position(): number {
    return this.#start + this.#at;
  }

  get left(): number {
    return this.#end - this.position;
  }

  /** Makes sure that the next `count` bytes are at hand. */
  async ensure(count: number): Promise<void> {
    if (this.has(count)) return;
    if (this.left < count) throw this.#endsEarly();
    const bytes = new Uint8Array(Math.min(Math.max(count, WINDOW_BYTES), this.left));
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

  /** Whether the next `count` bytes are at hand already. */
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

  /** Above 2^53 it is rounded, and longer than any file all the same. */
  uint64(): number {
    return Number(this.#bytes.getBigUint64(this.#advance(8), true));
  }

  /** Big-endian, as pickles have it. */
  float64(): number {
    return this.#bytes.getFloat64(this.#advance(8), false);
  }

  /** A copy. */
  take(count: number): Uint8Array<ArrayBuffer> {
    const at = this.#advance(count);
    return new Uint8Array(this.#bytes.buffer, at, count).slice();
  }

  /** Goes on behind the next `count` bytes, at hand or not. */
  skip(count: number): void {
    if (this.left < count) throw this.#endsEarly();
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

/** Bytes in memory as a source, which lets the event loop turn between two reads as a file does. */
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
