import type { FileHandle } from 'node:fs/promises';
import { badArgument, ResNetError } from '../../errors';
import { misplacedFile, START_BYTES } from '../../file-kind';
import { readRegularFile } from '../../regular-file';
import { looksLikePickle, readPdparamsHeader } from './pdparams';
import { readPthHeader } from './pth';
import { looksLikeLegacyPth, looksLikeTar, readLegacyPthHeader } from './pth-legacy';
import { readBytes } from './read-bytes';
import { looksLikeSafetensors, readSafetensorsHeader } from './safetensors';
import { isIndex, openShards, resolveWeightFile } from './shards';
import type { WeightFile } from './weight-file';
import { looksLikeZip } from './zip';

/**
 * Reads and checks the header of a weight file. Reads no values.
 *
 * @param path - a file, an index of shards, or a folder that has one of them under Hugging Face's name
 * @throws ERR_FILE, ERR_UNSUPPORTED_FORMAT, ERR_WEIGHTS_FORMAT, ERR_WEIGHTS_GLOBAL
 */
export async function openWeights(path: string): Promise<WeightFile> {
  if (typeof path !== 'string' || path === '') throw badArgument('path', 'the path of a file', path);
  const file = await resolveWeightFile(path);
  return isIndex(file) ? openShards(file, openFile) : openFile(file);
}

function openFile(path: string): Promise<WeightFile> {
  return readRegularFile(path, (file) => readHeader(path, file));
}

/** Reads the header of an open file of any format; except for `.safetensors`, its name does not matter. @internal */
export async function readHeader(path: string, file: FileHandle): Promise<WeightFile> {
  const start = await readBytes(path, file, Math.min(START_BYTES, (await file.stat()).size), 0);
  if (looksLikeSafetensors(start) || path.endsWith('.safetensors')) return readSafetensorsHeader(path, file);
  if (looksLikeZip(start)) return readPthHeader(path, file);
  if (looksLikeLegacyPth(start)) return readLegacyPthHeader(path, file);
  if (looksLikePickle(start)) return readPdparamsHeader(path, file);
  const found = looksLikeTar(start)
    ? "in PyTorch's oldest format, a tar archive: load it with PyTorch and save it again"
    : "in none of the supported formats: safetensors, PyTorch's .pth, PaddlePaddle's .pdparams";
  const hint = misplacedFile(start, 'weights');
  throw new ResNetError('ERR_UNSUPPORTED_FORMAT', `${path} is ${found}.${hint}`);
}
