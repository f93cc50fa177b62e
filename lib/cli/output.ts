import { stat } from 'node:fs/promises';
import { ResNetError } from '../errors';

/** @throws ERR_FILE where a file of that name is there, and nobody said that it may be replaced */
export async function checkOutput(output: string, force = false): Promise<void> {
  if (force || (await stat(output).catch(() => undefined)) === undefined) return;
  throw new ResNetError('ERR_FILE', `Cannot write ${output}: it is there already; --force replaces it.`);
}
