import type { DType } from '../tensor';

/** One tensor of a weight file, without its values. */
export interface WeightEntry {
  /** As it is in the file. */
  name: string;
  /** Undefined where the file's type is valid and none of ours; `fileType` tells. */
  dtype: DType | undefined;
  /** The type's name in the file, e.g. `BF16`. */
  fileType: string;
  shape: readonly number[];
  /** Bytes from the start of the file; little-endian, row-major. */
  offset: number;
  /** Bytes. */
  length: number;
  /** The file that holds it, where that is not the file that names it: a shard. */
  path?: string;
}

/** What a weight file holds, read from its header. */
export interface WeightFile {
  path: string;
  format: 'safetensors';
  metadata: Readonly<Record<string, string>>;
  entries: readonly WeightEntry[];
}
