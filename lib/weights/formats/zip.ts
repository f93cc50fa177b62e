import type { FileHandle } from 'node:fs/promises';
import type { Entry, RandomAccessReader } from 'yauzl';
import { malformedFile } from './malformed';

/** One record of a zip archive. {@link Zip.locate} finds its bytes. */
export interface ZipRecord {
  name: string;
  /** Bytes when decoded. */
  size: number;
  crc32: number;
  deflated: boolean;
  entry: Entry;
}

export interface Zip {
  records: ReadonlyMap<string, ZipRecord>;
  /** Finds the range of the file that holds a record's bytes, deflated or not. */
  locate(record: ZipRecord): Promise<{ offset: number; length: number }>;
}

const MAX_RECORDS = 100_000;
const READ_AHEAD = 1 << 13;

/** True if a file starts like a zip archive. */
export function looksLikeZip(start: Uint8Array): boolean {
  return start[0] === 0x50 && start[1] === 0x4b && start[2] === 3 && start[3] === 4; // PK, a local header
}

/** Reads an archive's central directory; zip64 too. @throws ERR_WEIGHTS_FORMAT */
export async function openZip(path: string, file: FileHandle): Promise<Zip> {
  const yauzl = await import('yauzl');
  const { size } = await file.stat();
  const fail = (error: unknown): Error =>
    malformedFile(path, 'zip archive', `cannot be read (${(error as Error).message})`);
  try {
    const zip = await yauzl.fromRandomAccessReaderPromise(reader(yauzl, file, size), size, { autoClose: false });
    if (zip.entryCount > MAX_RECORDS) throw new Error(`it has more than ${MAX_RECORDS} records`);
    const records = new Map<string, ZipRecord>();
    for await (const entry of zip.eachEntry()) {
      if (records.has(entry.fileName)) throw new Error(`it has ${JSON.stringify(entry.fileName)} twice`);
      if (!entry.canDecodeFileData()) throw new Error(`${JSON.stringify(entry.fileName)} is encrypted or packed oddly`);
      records.set(entry.fileName, {
        name: entry.fileName,
        size: entry.uncompressedSize,
        crc32: entry.crc32,
        deflated: entry.compressionMethod !== 0,
        entry,
      });
    }
    const locate: Zip['locate'] = async ({ entry }) => {
      try {
        const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
        return { offset: fileDataStart, length: entry.compressedSize };
      } catch (error) {
        throw fail(error);
      }
    };
    return { records, locate };
  } catch (error) {
    throw fail(error);
  }
}

/**
 * The file as yauzl reads it. Reads outside the file are refused here, since Node would throw where nothing catches it;
 * and it reads ahead, because the directory is read a few dozen bytes at a time.
 */
function reader(yauzl: typeof import('yauzl'), file: FileHandle, size: number): RandomAccessReader {
  const ahead = Buffer.alloc(READ_AHEAD);
  let [aheadAt, aheadLength] = [0, 0];
  const fill = async (buffer: Buffer, offset: number, length: number, position: number): Promise<number> => {
    if (!(position >= 0 && position + length <= size)) throw new Error('it refers to bytes outside of the file');
    if (length > READ_AHEAD) return (await file.read(buffer, offset, length, position)).bytesRead;
    if (position < aheadAt || position + length > aheadAt + aheadLength) {
      aheadLength = 0;
      const { bytesRead } = await file.read(ahead, 0, Math.min(READ_AHEAD, size - position), position);
      [aheadAt, aheadLength] = [position, bytesRead];
    }
    return ahead.copy(buffer, offset, position - aheadAt, Math.min(position - aheadAt + length, aheadLength));
  };
  class Reader extends yauzl.RandomAccessReader {
    override read(
      buffer: Buffer,
      offset: number,
      length: number,
      position: number,
      callback: (error: Error | null, bytesRead?: number) => void,
    ): void {
      fill(buffer, offset, length, position).then(
        (bytesRead) => setImmediate(callback, null, bytesRead),
        (error: unknown) => setImmediate(callback, error as Error),
      );
    }
  }
  return new Reader();
}
