import { inspect } from '../../errors';
import { elementsOf } from './budget';
import { FormatViolation } from './pickle-values';
import { isRowMajor, span } from './strides';
import type { TorchTensor } from './torch-values';
import type { Checksum, FileRange, WeightEntry } from './weight-file';

/** Where a storage is in the file. */
export interface StorageLocation extends FileRange {
  bigEndian: boolean;
  checksum?: Checksum | undefined;
}

/** Describes a tensor as an entry of the file, and checks that it lies within its storage. */
export function torchEntry(name: string, tensor: TorchTensor, location: StorageLocation): WeightEntry {
  const { storage, type, shape, strides } = tensor;
  const length = elementsOf(name, shape) * type.bytes;
  const offset = storage.offset * storage.type.bytes + tensor.offset * type.bytes;
  const reach = span(shape, strides) * type.bytes;
  const end = (storage.offset + storage.visible) * storage.type.bytes;
  if (!(offset + reach <= end))
    throw new FormatViolation(`has a tensor ${inspect(name)} that reaches beyond its storage`);
  if (storage.count * storage.type.bytes > location.size) {
    const sizes = `${storage.count * storage.type.bytes} bytes by its type and ${location.size} by the file`;
    throw new FormatViolation(`has a storage ${inspect(storage.key)}, of tensor ${inspect(name)}, of ${sizes}`);
  }
  const entry: WeightEntry = {
    name,
    dtype: type.dtype,
    fileType: type.name,
    shape,
    offset: location.offset + offset,
    length,
  };
  if (location.checksum !== undefined) entry.checksum = location.checksum;
  const contiguous =
    location.encoding === 'none' && isRowMajor(shape, strides) && (!location.bigEndian || type.bytes === 1);
  if (contiguous) return entry;
  const { offset: at, length: packed, size, encoding, bigEndian } = location;
  return {
    ...entry,
    packing: { ranges: [{ offset: at, length: packed, size, encoding }], start: offset, strides, bigEndian },
  };
}
