import type { DType } from '../../tensor';

/** One tensor of a weight file, without its values. */
export interface WeightEntry {
  /** As in the file. */
  name: string;
  /** Undefined if {@link Tensor} has no such type; see `fileType`. */
  dtype: DType | undefined;
  /** The type's name in the file, e.g. `BF16`. */
  fileType: string;
  shape: readonly number[];
  /** Bytes from the start of the file to the values, little-endian, row-major. Meaningless with a `packing`. */
  offset: number;
  /** Bytes of the values. */
  length: number;
  /** The shard that holds it. Absent: the file itself. */
  path?: string;
  /** Present if the file does not hold the values as contiguous, little-endian, row-major bytes. */
  packing?: Packing | undefined;
  /** Present if the file has one. */
  checksum?: Checksum | undefined;
}

/** How to unpack a tensor's values. */
export interface Packing {
  /** Decoded and concatenated, they are the storage that the tensor is a view of. */
  ranges: readonly FileRange[];
  /** Bytes from the start of the storage to the first element. */
  start: number;
  /** In elements, one for each dimension. */
  strides: readonly number[];
  bigEndian: boolean;
}

/** A range of the file. */
export interface FileRange {
  offset: number;
  /** Bytes in the file. */
  length: number;
  /** Bytes when decoded. */
  size: number;
  /** 'latin1': each byte is stored as a character of UTF-8. */
  encoding: 'none' | 'deflate' | 'latin1';
  /** Present if already decoded: a short text of a pickle. */
  bytes?: Uint8Array | undefined;
}

/** The file's checksum of the bytes that a tensor is part of. */
export interface Checksum {
  /** Names the bytes in messages. */
  record: string;
  offset: number;
  length: number;
  /** Of the bytes in the file; of the inflated bytes if the tensor's packing is deflate. */
  crc32: number;
}

/** The header of a weight file. */
export interface WeightFile {
  path: string;
  format: 'safetensors' | 'pth' | 'pdparams';
  metadata: Readonly<Record<string, string>>;
  /** The tensors that were chosen. */
  entries: readonly WeightEntry[];
  /** Names of the unknown Python globals in the file, which became inert values. */
  inert: readonly string[];
}
