import type { FileHandle } from 'node:fs/promises';
import { badArgument, ResNetError } from '../../errors';
import { misplacedFile, START_BYTES } from '../../file-kind';
import { readRegularFile } from '../../regular-file';
import { chooseEntries, chooseMain, chooseUnchanged, type Choose } from './checkpoint';
import { looksLikePickle, readPdparamsHeader } from './pdparams';
import { readPthHeader } from './pth';
import { looksLikeLegacyPth, looksLikeTar, readLegacyPthHeader } from './pth-legacy';
import { readBytes } from './read-bytes';
import { looksLikeSafetensors, readSafetensorsHeader } from './safetensors';
import { isIndex, openShards, resolveWeightFile } from './shards';
import type { WeightFile } from './weight-file';
import { looksLikeZip } from './zip';

/** How the pointer begins that a clone without Git LFS has in place of a file. */
const LFS_POINTER = Buffer.from('version https://git-lfs.github.com/spec/');

/**
 * Reads and checks the header of a weight file. Reads no values.
 *
 * @param path - a file, an index of shards, or a folder that has one of them under Hugging Face's name
 * @param choose - picks the tensors. Default: the state dict that the file is about, without the prefixes of wrappers
 * @throws ERR_FILE, ERR_UNSUPPORTED_FORMAT, ERR_WEIGHTS_FORMAT, ERR_WEIGHTS_GLOBAL, and what `choose` throws
 */
export async function openWeights(path: string, choose: Choose = chooseMain): Promise<WeightFile> {
  if (typeof path !== 'string' || path === '') throw badArgument('path', 'the path of a file', path);
  const file = await resolveWeightFile(path);
  if (!isIndex(file)) return openFile(file, choose);
  const shards = await openShards(file, (shard) => openFile(shard, chooseUnchanged));
  return { ...shards, entries: chooseEntries(shards.entries, choose) };
}

function openFile(path: string, choose: Choose): Promise<WeightFile> {
  return readRegularFile(path, (file) => readHeader(path, file, choose));
}

/** Reads the header of an open file of any format; except for `.safetensors`, its name does not matter. @internal */
export async function readHeader(path: string, file: FileHandle, choose: Choose = chooseMain): Promise<WeightFile> {
  const start = await readBytes(path, file, Math.min(START_BYTES, (await file.stat()).size), 0);
  if (LFS_POINTER.equals(start.subarray(0, LFS_POINTER.length))) {
    throw new ResNetError(
      'ERR_UNSUPPORTED_FORMAT',
      `${path} is a Git LFS pointer and not the weight file itself: run \`git lfs pull\` where it was cloned.`,
    );
  }
  if (looksLikeSafetensors(start) || path.endsWith('.safetensors')) return readSafetensorsHeader(path, file, choose);
  if (looksLikeZip(start)) return readPthHeader(path, file, choose);
  if (looksLikeLegacyPth(start)) return readLegacyPthHeader(path, file, choose);
  if (looksLikePickle(start)) return readPdparamsHeader(path, file, choose);
  const found = looksLikeTar(start)
    ? "in PyTorch's oldest format, a tar archive: load it with PyTorch and save it again"
    : "in none of the supported formats: safetensors, PyTorch's .pth, PaddlePaddle's .pdparams";
  const hint = misplacedFile(start, 'weights');
  throw new ResNetError('ERR_UNSUPPORTED_FORMAT', `${path} is ${found}.${hint}`);
}
