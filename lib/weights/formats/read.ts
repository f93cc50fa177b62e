import type { FileHandle } from 'node:fs/promises';
import { badArgument, ResNetError } from '../../errors';
import { readingFile } from '../../regular-file';
import { Tensor, type DType, type TensorData } from '../../tensor';
import { readBytes } from './read-bytes';
import { checkInFile } from './checksum';
import { looksLikePickle, readPdparamsHeader } from './pdparams';
import { readPthHeader } from './pth';
import { looksLikeLegacyPth, looksLikeTar, readLegacyPthHeader } from './pth-legacy';
import { looksLikeSafetensors, readSafetensorsHeader } from './safetensors';
import { isIndex, openShards, weightFileAt } from './shards';
import { readPacked } from './unpack';
import type { Checksum, WeightEntry, WeightFile } from './weight-file';
import { looksLikeZip } from './zip';

/**
 * Reads and checks what a weight file says about its tensors; values stay in the file.
 *
 * @param path - a file, an index of shards, or a folder that has one of them under Hugging Face's name
 * @throws ERR_FILE, ERR_UNSUPPORTED_FORMAT, ERR_WEIGHTS_FORMAT, ERR_WEIGHTS_GLOBAL
 */
export async function openWeights(path: string): Promise<WeightFile> {
  checkPath(path);
  const file = await weightFileAt(path);
  return isIndex(file) ? openShards(file, openOne) : openOne(file);
}

function openOne(path: string): Promise<WeightFile> {
  return readingFile(path, (file) => readHeader(path, file));
}

/** What an open file says about its tensors, whatever its format. @internal */
export async function readHeader(path: string, file: FileHandle): Promise<WeightFile> {
  const start = await readBytes(path, file, Math.min(START_BYTES, (await file.stat()).size), 0);
  if (looksLikeSafetensors(start) || path.endsWith('.safetensors')) return readSafetensorsHeader(path, file);
  if (looksLikeZip(start)) return readPthHeader(path, file);
  if (looksLikeLegacyPth(start)) return readLegacyPthHeader(path, file);
  if (looksLikePickle(start)) return readPdparamsHeader(path, file);
  const what = looksLikeTar(start)
    ? "in PyTorch's oldest format, a tar archive: load it with PyTorch and save it anew"
    : "none of what is read: safetensors, PyTorch's .pth, PaddlePaddle's .pdparams";
  throw new ResNetError('ERR_UNSUPPORTED_FORMAT', `${path} is ${what}.`);
}

/** Enough to tell the formats apart; their names are not asked. */
const START_BYTES = 512;

/**
 * Every tensor of a weight file, names and dtypes as they are in the file.
 *
 * @param path - a safetensors file, PyTorch's `.pth` (a state dict, or a checkpoint with one inside) or PaddlePaddle's
 *   `.pdparams`; an index of shards, or a folder that has one of these under Hugging Face's name
 * @throws ERR_FILE, ERR_UNSUPPORTED_FORMAT, ERR_WEIGHTS_FORMAT, ERR_WEIGHTS_GLOBAL; ERR_UNSUPPORTED_DTYPE for a type
 *   that {@link Tensor} cannot hold
 *
 * @example
 * block.loadStateDict(await readWeights('block.safetensors'));
 */
export async function readWeights(path: string): Promise<Map<string, Tensor>> {
  const { path: file, entries } = await openWeights(path);
  return readTensors(file, entries);
}

/** The values of some of a file's tensors. */
export async function readTensors(path: string, entries: readonly WeightEntry[]): Promise<Map<string, Tensor>> {
  const tensors = new Map<string, Tensor>();
  await eachTensor(path, entries, (entry, tensor) => void tensors.set(entry.name, tensor));
  return tensors;
}

/** Entries by the file that holds them. */
export function byFile<T extends WeightEntry>(path: string, entries: readonly T[]): Map<string, T[]> {
  const files = new Map<string, T[]>();
  for (const entry of entries) {
    const held = files.get(entry.path ?? path);
    if (held === undefined) files.set(entry.path ?? path, [entry]);
    else held.push(entry);
  }
  return files;
}

/** Hands over the values of some of a file's tensors one after the other, so that one is held at a time. */
export async function eachTensor<E extends WeightEntry>(
  path: string,
  entries: readonly E[],
  use: (entry: E, tensor: Tensor) => void,
): Promise<void> {
  for (const [file, held] of byFile(path, entries)) await eachOf(file, held, use);
}

function eachOf<E extends WeightEntry>(
  path: string,
  entries: readonly E[],
  use: (entry: E, tensor: Tensor) => void,
): Promise<void> {
  return readingFile(path, (file) => readValues(path, file, entries, use));
}

/** The values of some of an open file's tensors, one after the other. @internal */
export async function readValues<E extends WeightEntry>(
  path: string,
  file: FileHandle,
  entries: readonly E[],
  use: (entry: E, tensor: Tensor) => void,
): Promise<void> {
  await checkAll(path, file, entries);
  for (const entry of entries) {
    const { name, dtype, fileType, shape, packing, offset, length } = entry;
    if (dtype === undefined) {
      const held = `holds ${fileType}, a type that no Tensor can hold`;
      throw new ResNetError('ERR_UNSUPPORTED_DTYPE', `${path} has a tensor ${name} that ${held}.`);
    }
    const bytes =
      packing === undefined
        ? await readBytes(path, file, length, offset)
        : await readPacked(path, file, { ...entry, dtype, packing });
    use(entry, new Tensor(typed(dtype, bytes), shape, dtype));
  }
}

/**
 * Compares the checksums of the bytes that some tensors are part of, for a caller that reads their values elsewhere.
 *
 * @throws ERR_WEIGHTS_FORMAT, ERR_FILE
 */
export async function checkTensors(path: string, entries: readonly WeightEntry[]): Promise<void> {
  for (const [holder, held] of byFile(path, entries)) {
    if (held.every(({ checksum }) => checksum === undefined)) continue;
    await readingFile(holder, (file) => checkAll(holder, file, held));
  }
}

/** Each stretch of the file once; what is deflated is compared when it is inflated. */
async function checkAll(path: string, file: FileHandle, entries: readonly WeightEntry[]): Promise<void> {
  const checksums = new Map<number, Checksum>();
  for (const { checksum, packing } of entries) {
    if (checksum !== undefined && packing?.pieces[0]?.coding !== 'deflate') checksums.set(checksum.offset, checksum);
  }
  await checkInFile(path, file, checksums.values());
}

const ARRAYS: Readonly<Record<DType, new (buffer: ArrayBuffer) => TensorData>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int32: Int32Array,
  int64: BigInt64Array,
};

function typed(dtype: DType, bytes: Uint8Array<ArrayBuffer>): TensorData {
  return new ARRAYS[dtype](bytes.buffer);
}

function checkPath(path: unknown): void {
  if (typeof path !== 'string' || path === '') throw badArgument('path', 'the path of a file', path);
}
