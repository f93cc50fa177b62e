import type { FileHandle } from 'node:fs/promises';
import { ResNetError } from '../../errors';
import { readRegularFile } from '../../regular-file';
import { Tensor, type DType, type TensorData } from '../../tensor';
import { verifyInFile } from './checksum';
import { openWeights } from './open';
import { readBytes } from './read-bytes';
import { readPacked } from './unpack';
import type { Checksum, WeightEntry } from './weight-file';

/**
 * Reads all tensors of a weight file, with the names and dtypes that they have in the file.
 *
 * @param path - a safetensors file, PyTorch's `.pth` (a state dict, or a checkpoint that contains one) or PaddlePaddle's
 *   `.pdparams`; an index of shards, or a folder that has one of these under Hugging Face's name
 * @throws ERR_FILE, ERR_UNSUPPORTED_FORMAT, ERR_WEIGHTS_FORMAT, ERR_WEIGHTS_GLOBAL; ERR_UNSUPPORTED_DTYPE for a type
 *   that {@link Tensor} cannot hold
 *
 * @example
 * block.loadStateDict(await readWeights('block.safetensors'));
 */
export async function readWeights(path: string): Promise<Map<string, Tensor>> {
  const { path: file, entries } = await openWeights(path);
  const tensors = new Map<string, Tensor>();
  await forEachTensor(file, entries, ({ name }, tensor) => void tensors.set(name, tensor));
  return tensors;
}

/** Groups entries by the file that holds them. @param path - the file of the entries that are in no shard */
export function groupByFile<E extends WeightEntry>(path: string, entries: readonly E[]): Map<string, E[]> {
  const files = new Map<string, E[]>();
  for (const entry of entries) {
    const file = entry.path ?? path;
    files.set(file, files.get(file) ?? []);
    files.get(file)?.push(entry);
  }
  return files;
}

/** Reads the values of some of a file's tensors one after the other, so that one at a time is in memory. */
export async function forEachTensor<E extends WeightEntry>(
  path: string,
  entries: readonly E[],
  use: (entry: E, tensor: Tensor) => void,
): Promise<void> {
  for (const [shard, within] of groupByFile(path, entries)) {
    await readRegularFile(shard, (file) => readValues(shard, file, within, use));
  }
}

/** As {@link forEachTensor}, from an open file. @internal */
export async function readValues<E extends WeightEntry>(
  path: string,
  file: FileHandle,
  entries: readonly E[],
  use: (entry: E, tensor: Tensor) => void,
): Promise<void> {
  await verifyEntries(path, file, entries);
  for (const entry of entries) {
    const { name, dtype, fileType, shape, packing, offset, length } = entry;
    if (dtype === undefined) {
      throw new ResNetError(
        'ERR_UNSUPPORTED_DTYPE',
        `${path} has a tensor ${name} that holds ${fileType}, a type that no Tensor can hold.`,
      );
    }
    const bytes =
      packing === undefined
        ? await readBytes(path, file, length, offset)
        : await readPacked(path, file, { ...entry, dtype, packing });
    use(entry, new Tensor(typedArray(dtype, bytes), shape, dtype));
  }
}

/**
 * Verifies the checksums of some tensors whose values are read elsewhere.
 *
 * @throws ERR_WEIGHTS_FORMAT, ERR_FILE
 */
export async function verifyTensors(path: string, entries: readonly WeightEntry[]): Promise<void> {
  for (const [shard, within] of groupByFile(path, entries)) {
    if (within.every(({ checksum }) => checksum === undefined)) continue;
    await readRegularFile(shard, (file) => verifyEntries(shard, file, within));
  }
}

/** Verifies each range of the file once. Deflated data is verified when it is inflated. */
async function verifyEntries(path: string, file: FileHandle, entries: readonly WeightEntry[]): Promise<void> {
  const checksums = new Map<number, Checksum>();
  for (const { checksum, packing } of entries) {
    if (checksum !== undefined && packing?.ranges[0]?.encoding !== 'deflate') checksums.set(checksum.offset, checksum);
  }
  await verifyInFile(path, file, checksums.values());
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

function typedArray(dtype: DType, bytes: Uint8Array<ArrayBuffer>): TensorData {
  return new ARRAYS[dtype](bytes.buffer);
}
