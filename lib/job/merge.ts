import { readFile, rm } from 'node:fs/promises';
import { ResNetError } from '../errors';
import { cannotRead } from '../regular-file';
import { writeWhole } from '../whole-file';
import type { JobFolder } from './folder';
import type { PictureList, Shard } from './list';

/** What a merged output holds. */
export interface Merged {
  pictures: number;
  /** Those of them that could not be read. */
  failed: number;
}

/**
 * Joins the shards' lines into the output, in the list's order. The output appears whole, and only if every picture of
 * the list has its line. A shard whose lines are not those of its pictures is removed, so that it is computed again.
 *
 * @returns undefined where there was such a shard
 * @throws ERR_FILE, or the signal's reason
 */
export async function merge(list: PictureList, folder: JobFolder, signal: AbortSignal): Promise<Merged | undefined> {
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
    await writeWhole(folder.output, lines());
  } catch (error) {
    if (error instanceof BrokenShard) {
      await rm(folder.shard(error.number), { force: true });
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
  const path = folder.shard(number);
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new BrokenShard(number);
    throw cannotRead(path, error);
  }
}

/** How many lines tell of an error; undefined where they are not one for each picture. */
function countErrors(text: string, pictures: readonly string[]): number | undefined {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.length !== pictures.length) return undefined;
  let errors = 0;
  for (const [i, line] of lines.entries()) {
    const { picture, code } = parsed(line);
    if (picture !== pictures[i]) return undefined;
    if (code !== undefined) errors++;
  }
  return errors;
}

function parsed(line: string): { picture?: unknown; code?: unknown } {
  try {
    return (JSON.parse(line) ?? {}) as { picture?: unknown };
  } catch {
    return {};
  }
}
