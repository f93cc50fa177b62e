import type { DType } from '../../tensor';

/** One tensor of a weight file, without its values. */
export interface WeightEntry {
  /** As it is in the file. */
  name: string;
  /** Undefined where the file's type is valid and none of ours; `fileType` tells. */
  dtype: DType | undefined;
  /** The type's name in the file, e.g. `BF16`. */
  fileType: string;
  shape: readonly number[];
  /** Bytes from the start of the file; little-endian, row-major. Of no meaning where there is a `packing`. */
  offset: number;
  /** Bytes of the values. */
  length: number;
  /** The file that holds it, where that is not the file that names it: a shard. */
  path?: string;
  /** Present where the values do not lie in the file as they are wanted. */
  packing?: Packing | undefined;
  /** Present where the file has one. */
  checksum?: Checksum | undefined;
}

/** How a tensor's values come from bytes that lie otherwise. */
export interface Packing {
  /** Decoded and put one after the other, they are the storage that the tensor is a view of. */
  pieces: readonly Piece[];
  /** Of the first element, from the start of the storage: bytes. */
  start: number;
  /** In elements, one for each dimension. */
  strides: readonly number[];
  bigEndian: boolean;
}

/** A stretch of the file. */
export interface Piece {
  offset: number;
  /** Bytes in the file. */
  length: number;
  /** Bytes when decoded. */
  size: number;
  /** 'latin1': each byte is a character of UTF-8. */
  coding: 'none' | 'deflate' | 'latin1';
  /** Decoded already: a pickle's short text. */
  bytes?: Uint8Array | undefined;
}

/** What the file says about the bytes that a tensor is part of. */
export interface Checksum {
  /** Names the bytes in a message. */
  record: string;
  offset: number;
  length: number;
  /** Of the bytes as they lie there, or inflated where the tensor's packing says so. */
  crc32: number;
}

/** What a weight file holds, read from its header. */
export interface WeightFile {
  path: string;
  format: 'safetensors' | 'pth' | 'pdparams';
  metadata: Readonly<Record<string, string>>;
  entries: readonly WeightEntry[];
}
