import { readFile, rm } from 'node:fs/promises';
import { ResNetError } from '../errors';
import { cannotRead } from '../regular-file';
import { writeAtomically } from '../atomic-write';
import type { JobFolder } from './folder';
import type { PictureList, Shard } from './list';

/** What a job's output contains. */
export interface MergeResult {
  pictures: number;
  /** How many of them could not be read. */
  failed: number;
}

/**
 * Concatenates the shards into the output, in the list's order. The output appears atomically, and only if every
 * picture of the list has its line. A shard whose lines do not match its pictures is deleted, to be computed again.
 *
 * @returns undefined if a shard was missing or deleted
 * @throws ERR_FILE, or the signal's reason
 */
export async function merge(
  list: PictureList,
  folder: JobFolder,
  signal: AbortSignal,
): Promise<MergeResult | undefined> {
  let failed = 0;
  async function* lines(): AsyncGenerator<string> {
    for (const shard of list.shards) {
      signal.throwIfAborted();
      const text = await readShard(folder, shard);
      const errors = countErrors(text, await list.picturesOf(shard));
      if (errors === undefined) throw new BrokenShard(shard.number);
      failed += errors;
      yield text;
    }
  }
  try {
    await writeAtomically(folder.output, lines());
  } catch (error) {
    if (error instanceof BrokenShard) {
      await rm(folder.shardPath(error.number), { force: true });
      return undefined;
    }
    signal.throwIfAborted();
    throw error;
  }
  return { pictures: list.pictures, failed };
}

class BrokenShard extends ResNetError {
  constructor(readonly number: number) {
    super('ERR_FILE', `Shard ${number} is not what it should be.`);
  }
}

async function readShard(folder: JobFolder, { number }: Shard): Promise<string> {
  const path = folder.shardPath(number);
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new BrokenShard(number);
    throw cannotRead(path, error);
  }
}

/** The number of lines with an error; undefined if the lines do not match the pictures. */
function countErrors(text: string, pictures: readonly string[]): number | undefined {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.length !== pictures.length) return undefined;
  let errors = 0;
  for (const [i, line] of lines.entries()) {
    const { picture, code } = parseLine(line);
    if (picture !== pictures[i]) return undefined;
    if (code !== undefined) errors++;
  }
  return errors;
}

function parseLine(line: string): { picture?: unknown; code?: unknown } {
  try {
    return (JSON.parse(line) ?? {}) as { picture?: unknown };
  } catch {
    return {};
  }
}
