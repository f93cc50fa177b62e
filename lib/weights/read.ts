import type { FileHandle } from 'node:fs/promises';
import { badArgument, ResNetError } from '../errors';
import { openRegularFile } from '../regular-file';
import { Tensor, type DType, type TensorData } from '../tensor';
import { readBytes } from './bytes';
import { looksLikeSafetensors, readSafetensorsHeader } from './safetensors';
import { isIndex, openShards, weightFileAt } from './shards';
import type { WeightEntry, WeightFile } from './weight-file';

/**
 * Reads and checks a weight file's header; values stay in the file.
 *
 * @param path - a file, an index of shards, or a folder that has one of them under Hugging Face's name
 * @throws ERR_FILE, ERR_UNSUPPORTED_FORMAT, ERR_WEIGHTS_FORMAT
 */
export async function openWeights(path: string): Promise<WeightFile> {
  checkPath(path);
  const file = await weightFileAt(path);
  return isIndex(file) ? openShards(file, openOne) : openOne(file);
}

async function openOne(path: string): Promise<WeightFile> {
  return withFile(path, async (file) => {
    const start = await readBytes(path, file, Math.min(16, (await file.stat()).size), 0);
    if (looksLikeSafetensors(start) || path.endsWith('.safetensors')) return readSafetensorsHeader(path, file);
    throw new ResNetError('ERR_UNSUPPORTED_FORMAT', `${path} is not a safetensors file, the format that is read.`);
  });
}

/**
 * Every tensor of a weight file, names and dtypes as they are in the file.
 *
 * @param path - a safetensors file, an index of its shards, or the folder of a `model.safetensors`
 * @throws ERR_FILE, ERR_UNSUPPORTED_FORMAT, ERR_WEIGHTS_FORMAT; ERR_UNSUPPORTED_DTYPE for a type that {@link Tensor}
 *   cannot hold
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
  for (const [file, held] of byFile(path, entries)) {
    for (const [name, tensor] of await readOne(file, held)) tensors.set(name, tensor);
  }
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

async function readOne(path: string, entries: readonly WeightEntry[]): Promise<Map<string, Tensor>> {
  return withFile(path, async (file) => {
    const tensors = new Map<string, Tensor>();
    for (const entry of entries) {
      if (entry.dtype === undefined) {
        const held = `holds ${entry.fileType}, a type that no Tensor can hold`;
        throw new ResNetError('ERR_UNSUPPORTED_DTYPE', `${path} has a tensor ${entry.name} that ${held}.`);
      }
      const bytes = await readBytes(path, file, entry.length, entry.offset);
      tensors.set(entry.name, new Tensor(typed(entry.dtype, bytes), entry.shape, entry.dtype));
    }
    return tensors;
  });
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

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  let file: FileHandle | undefined;
  try {
    file = await openRegularFile(path);
    return await use(file);
  } catch (error) {
    if (error instanceof ResNetError) throw error;
    throw new ResNetError('ERR_FILE', `Cannot read ${path}: ${(error as Error).message}.`, { cause: error });
  } finally {
    await file?.close();
  }
}

function checkPath(path: unknown): void {
  if (typeof path !== 'string' || path === '') throw badArgument('path', 'the path of a file', path);
}
