import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ResNetError } from '../errors';
import { readingFile } from '../regular-file';

/** Some of a list's pictures, one after the other. */
export interface Shard {
  /** From 1. */
  number: number;
  /** Where its lines lie in the list's file: bytes. */
  start: number;
  end: number;
  pictures: number;
}

const CHUNK_BYTES = 1 << 18;
/** Longer than any path: a file that has such lines is no list. */
const LONGEST_LINE = 1 << 16;
const NEWLINE = 0x0a;
/** What some programs of Windows begin files with. */
const BYTE_ORDER_MARK = '\uFEFF';

/**
 * A file that names pictures, one a line; empty lines are none. Of millions of them only where each shard lies is kept
 * in memory.
 */
export class PictureList {
  private constructor(
    readonly path: string,
    /** SHA-256 of the file. */
    readonly sha256: string,
    /** How many there are. */
    readonly pictures: number,
    readonly shards: readonly Shard[],
    /** Its size and time of change when it was read. */
    private readonly version: string,
  ) {}

  /**
   * Reads a list once, from end to end.
   *
   * @param shardSize - pictures in a shard; the last one may have fewer
   * @throws ERR_FILE
   */
  static async read(path: string, shardSize: number): Promise<PictureList> {
    return await readingFile(path, async (file) => {
      const version = await versionOf(file);
      const hash = createHash('sha256');
      const cutter = new Cutter(path, shardSize);
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      for (;;) {
        const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES);
        if (bytesRead === 0) break;
        hash.update(chunk.subarray(0, bytesRead));
        cutter.take(chunk.subarray(0, bytesRead));
      }
      const shards = cutter.end();
      const pictures = shards.reduce((sum, shard) => sum + shard.pictures, 0);
      return new PictureList(path, hash.digest('hex'), pictures, shards, version);
    });
  }

  /** A shard's pictures as the list names them. @throws ERR_FILE, also where the list has changed since it was read */
  async picturesOf({ start, end, pictures }: Shard): Promise<string[]> {
    return await readingFile(this.path, async (file) => {
      const bytes = Buffer.alloc(end - start);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
      const text = bytes.toString('utf8').slice(start === 0 && bytes.indexOf(BYTE_ORDER_MARK) === 0 ? 1 : 0);
      const named = text.split('\n').map(nameIn).filter(isName);
      if (bytesRead === bytes.length && named.length === pictures && (await versionOf(file)) === this.version) {
        return named;
      }
      throw new Error('it has changed since the job began');
    });
  }

  /** Where a picture of the list is: its folder is where relative paths begin, so that all processes find the same. */
  locate(picture: string): string {
    return resolve(dirname(this.path), picture);
  }
}

/** Finds the lines in chunks of a file, and which of them begin a shard. */
class Cutter {
  readonly #shards: Shard[] = [];
  /** Bytes before the chunk. */
  #offset = 0;
  #line = 0;
  /** What earlier chunks have of the line that goes on in this one. */
  #carried: Buffer[] = [];
  #carriedBytes = 0;
  #open: Shard;

  constructor(
    private readonly path: string,
    private readonly shardSize: number,
  ) {
    this.#open = { number: 1, start: 0, end: 0, pictures: 0 };
  }

  take(chunk: Buffer): void {
    let start = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, start)) {
      this.#lineEnds(chunk.subarray(start, at), this.#offset + at + 1);
      start = at + 1;
    }
    const rest = chunk.subarray(start);
    this.#checkLength(rest);
    this.#carried.push(Buffer.from(rest)); // the chunk's memory is used again
    this.#carriedBytes += rest.length;
    this.#offset += chunk.length;
  }

  end(): Shard[] {
    this.#lineEnds(Buffer.alloc(0), this.#offset); // the last line needs no newline
    if (this.#open.pictures > 0) this.#shards.push(this.#open);
    return this.#shards;
  }

  #lineEnds(tail: Buffer, end: number): void {
    this.#checkLength(tail);
    this.#line++;
    const bytes = this.#carriedBytes === 0 ? tail : Buffer.concat([...this.#carried, tail]);
    [this.#carried, this.#carriedBytes] = [[], 0];
    this.#open.end = end;
    if (!isName(bytes.toString('utf8'))) return;
    if (++this.#open.pictures < this.shardSize) return;
    this.#shards.push(this.#open);
    this.#open = { number: this.#shards.length + 1, start: end, end, pictures: 0 };
  }

  #checkLength(more: Buffer): void {
    if (this.#carriedBytes + more.length <= LONGEST_LINE) return;
    throw new ResNetError(
      'ERR_FILE',
      `${this.path} must name a picture on each line, but line ${this.#line + 1} has more than ${LONGEST_LINE} bytes.`,
    );
  }
}

/** Without what Windows ends lines with. */
function nameIn(line: string): string {
  return line.replace(/\r$/, '');
}

function isName(name: string): boolean {
  return name.trim() !== '';
}

async function versionOf(file: FileHandle): Promise<string> {
  const { size, mtimeMs } = await file.stat();
  return `${size} ${mtimeMs}`;
}
