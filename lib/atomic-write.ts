import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { reasonOf, ResNetError } from './errors';

/**
 * Writes a file atomically: first to a temporary file in the same folder, which is then renamed.
 *
 * @throws ERR_FILE
 */
export async function writeAtomically(
  path: string,
  chunks: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'wx');
    try {
      for await (const chunk of chunks) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first error is the one to report
    if (error instanceof ResNetError) throw error; // thrown while making the chunks
    throw new ResNetError('ERR_FILE', `Cannot write ${path}: ${reasonOf(error)}.`, { cause: error });
  }
}
