import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/**
 * Opens a file for reading. A folder, a pipe or a device is an error, found without waiting: opening a named pipe that
 * nobody writes would hold a thread of libuv's pool for good.
 */
export async function openRegularFile(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stats = await file.stat();
  if (stats.isFile()) return file;
  await file.close();
  throw new Error(stats.isDirectory() ? 'it is a directory' : 'it is no regular file');
}
