import { readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where weights that have a name are kept: beside libtorch, in the cache of scripts/libtorch/cache.js. */
export function weightsFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.LIBTORCH_RESNET_CACHE || join(homedir(), '.cache', 'libtorch-resnet'), 'weights');
}

/** What a folder of weights holds, sizes in bytes; nothing where it is not there yet. */
export function cachedWeights(folder: string): { name: string; bytes: number }[] {
  try {
    return readdirSync(folder).map((name) => ({ name, bytes: statSync(join(folder, name)).size }));
  } catch {
    return []; // not there yet, or something in it was renamed while we looked
  }
}
