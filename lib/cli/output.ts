import { stat } from 'node:fs/promises';
import { ResNetError } from '../errors';
import { printable } from './printable';

/** A warning about weights, on stderr. */
export function printWarning(message: string): void {
  process.stderr.write(`resnet: warning: ${printable(message)}\n`);
}

/** @throws ERR_FILE if the file exists, unless `force` is set */
export async function checkOutput(output: string, force = false): Promise<void> {
  if (force || (await stat(output).catch(() => undefined)) === undefined) return;
  throw new ResNetError('ERR_FILE', `Cannot write ${output}: it is there already; --force replaces it.`);
}
