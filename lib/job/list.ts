import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ResNetError } from '../errors';
import { readRegularFile } from '../regular-file';

/** Consecutive pictures of a list. */
export interface Shard {
  /** From 1. */
  number: number;
  /** Byte offsets of its lines in the list's file. */
  start: number;
  end: number;
  pictures: number;
}

const CHUNK_BYTES = 1 << 18;
/** In bytes. A file with longer lines is not a list of paths. */
const MAX_LINE_LENGTH = 1 << 16;
const NEWLINE = 0x0a;
/** Some Windows programs begin text files with it. */
const BYTE_ORDER_MARK = '\uFEFF';

/**
 * A text file with the path of a picture on each line; empty lines are ignored. Only the shards' offsets are kept in
 * memory, so a list may have millions of lines.
 */
export class PictureList {
  private constructor(
    readonly path: string,
    /** SHA-256 of the file. */
    readonly sha256: string,
    /** The number of pictures. */
    readonly pictures: number,
    readonly shards: readonly Shard[],
    /** Size and modification time when it was read. */
    private readonly version: string,
  ) {}

  /**
   * Reads a list once, from start to end.
   *
   * @param shardSize - pictures in a shard; the last one may have fewer
   * @throws ERR_FILE
   */
  static async read(path: string, shardSize: number): Promise<PictureList> {
    return await readRegularFile(path, async (file) => {
      const version = await versionOf(file);
      const hash = createHash('sha256');
      const splitter = new ShardSplitter(path, shardSize);
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      for (;;) {
        const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES);
        if (bytesRead === 0) break;
        hash.update(chunk.subarray(0, bytesRead));
        splitter.add(chunk.subarray(0, bytesRead));
      }
      const shards = splitter.end();
      const pictures = shards.reduce((sum, shard) => sum + shard.pictures, 0);
      return new PictureList(path, hash.digest('hex'), pictures, shards, version);
    });
  }

  /** A shard's pictures as the list names them. @throws ERR_FILE, also if the list has changed since it was read */
  async picturesOf({ start, end, pictures }: Shard): Promise<string[]> {
    return await readRegularFile(this.path, async (file) => {
      const bytes = Buffer.alloc(end - start);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
      const text = bytes.toString('utf8').slice(start === 0 && bytes.indexOf(BYTE_ORDER_MARK) === 0 ? 1 : 0);
      const names = text.split('\n').map(withoutCarriageReturn).filter(isName);
      if (bytesRead === bytes.length && names.length === pictures && (await versionOf(file)) === this.version) {
        return names;
      }
      throw new Error('it has changed since the job began');
    });
  }

  /** The path of a picture. Relative ones start at the list's folder, so they mean the same in every process. */
  locate(picture: string): string {
    return resolve(dirname(this.path), picture);
  }
}

/** Splits a file, which comes in chunks, into lines and these into shards. */
class ShardSplitter {
  readonly #shards: Shard[] = [];
  /** Bytes before the current chunk. */
  #offset = 0;
  #line = 0;
  /** The beginning of the current line, from earlier chunks. */
  #partialLine: Buffer[] = [];
  #partialBytes = 0;
  #current: Shard;

  constructor(
    private readonly path: string,
    private readonly shardSize: number,
  ) {
    this.#current = { number: 1, start: 0, end: 0, pictures: 0 };
  }

  add(chunk: Buffer): void {
    let start = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, start)) {
      this.#endLine(chunk.subarray(start, at), this.#offset + at + 1);
      start = at + 1;
    }
    const rest = chunk.subarray(start);
    this.#checkLength(rest);
    this.#partialLine.push(Buffer.from(rest)); // a copy: the chunk's memory is reused
    this.#partialBytes += rest.length;
    this.#offset += chunk.length;
  }

  end(): Shard[] {
    this.#endLine(Buffer.alloc(0), this.#offset); // the last line may lack its newline
    if (this.#current.pictures > 0) this.#shards.push(this.#current);
    return this.#shards;
  }

  #endLine(tail: Buffer, end: number): void {
    this.#checkLength(tail);
    this.#line++;
    const bytes = this.#partialBytes === 0 ? tail : Buffer.concat([...this.#partialLine, tail]);
    [this.#partialLine, this.#partialBytes] = [[], 0];
    this.#current.end = end;
    if (!isName(bytes.toString('utf8'))) return;
    if (++this.#current.pictures < this.shardSize) return;
    this.#shards.push(this.#current);
    this.#current = { number: this.#shards.length + 1, start: end, end, pictures: 0 };
  }

  #checkLength(more: Buffer): void {
    if (this.#partialBytes + more.length <= MAX_LINE_LENGTH) return;
    throw new ResNetError(
      'ERR_FILE',
      `${this.path} must name a picture on each line, but line ${this.#line + 1} has more than ${MAX_LINE_LENGTH} bytes.`,
    );
  }
}

/** Windows ends lines with CR LF. */
function withoutCarriageReturn(line: string): string {
  return line.replace(/\r$/, '');
}

function isName(name: string): boolean {
  return name.trim() !== '';
}

async function versionOf(file: FileHandle): Promise<string> {
  const { size, mtimeMs } = await file.stat();
  return `${size} ${mtimeMs}`;
}
