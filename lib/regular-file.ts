import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { reasonOf, ResNetError, shorten } from './errors';

/**
 * Opens a file for reading while `use` runs. Folders, pipes and devices are refused without blocking: opening a named
 * pipe that nobody writes to would block a thread of libuv's pool forever.
 */
export async function withRegularFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  if (path.length > MAX_PATH) throw Object.assign(new Error('it is too long for a path'), { code: 'ENAMETOOLONG' });
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new Error(stats.isDirectory() ? 'it is a directory' : 'it is not a regular file');
    return await use(file);
  } finally {
    await file.close();
  }
}

/** Linux's limit, in bytes. Longer strings are data, which Node's own error would repeat in full. */
const MAX_PATH = 4096;

/** As {@link withRegularFile}. @throws ERR_FILE, or the ResNetError that `use` throws */
export async function readRegularFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  try {
    return await withRegularFile(path, use);
  } catch (error) {
    if (error instanceof ResNetError) throw error;
    throw cannotRead(path, error);
  }
}

/** The ERR_FILE for a file that cannot be read. */
export function cannotRead(path: string, error: unknown): ResNetError {
  return new ResNetError('ERR_FILE', `Cannot read ${shorten(path, 200)}: ${reasonOf(error)}.`, { cause: error });
}

/** The SHA-256 of a file in hexadecimal, computed in chunks. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
