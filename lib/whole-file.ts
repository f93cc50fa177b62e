import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { ResNetError } from './errors';

/**
 * Writes a file that appears whole or not at all: beside its place first, then renamed.
 *
 * @throws ERR_FILE
 */
export async function writeWhole(
  path: string,
  parts: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'wx');
    try {
      for await (const part of parts) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // of the two failures the first one is the reason
    if (error instanceof ResNetError) throw error; // of whoever makes the parts
    throw new ResNetError('ERR_FILE', `Cannot write ${path}: ${(error as Error).message}.`, { cause: error });
  }
}
