import { readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder of downloaded weights, in the same cache as libtorch (scripts/libtorch/cache.js). */
export function weightsFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.LIBTORCH_RESNET_CACHE || join(homedir(), '.cache', 'libtorch-resnet'), 'weights');
}

/** The files in a folder of weights, sizes in bytes; none if the folder does not exist. */
export function cachedWeights(folder: string): { name: string; bytes: number }[] {
  try {
    return readdirSync(folder).map((name) => ({ name, bytes: statSync(join(folder, name)).size }));
  } catch {
    return []; // the folder does not exist yet, or a file in it was just renamed
  }
}
