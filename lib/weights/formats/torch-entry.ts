import { show } from '../../errors';
import { elementsOf } from './budget';
import { Refusal } from './pickle-values';
import { isRowMajor, span } from './strides';
import type { TorchTensor } from './torch-values';
import type { Checksum, Piece, WeightEntry } from './weight-file';

/** Where a storage lies in the file. */
export interface StoragePlace extends Piece {
  bigEndian: boolean;
  checksum?: Checksum | undefined;
}

/** A tensor as an entry of the file, after it was made sure that it lies within its storage. */
export function torchEntry(name: string, tensor: TorchTensor, place: StoragePlace): WeightEntry {
  const { storage, type, shape, strides } = tensor;
  const length = elementsOf(name, shape) * type.bytes;
  const offset = storage.offset * storage.type.bytes + tensor.offset * type.bytes;
  const reach = span(shape, strides) * type.bytes;
  const end = (storage.offset + storage.visible) * storage.type.bytes;
  if (!(offset + reach <= end)) throw new Refusal(`has a tensor ${show(name)} that reaches beyond its storage`);
  if (storage.count * storage.type.bytes > place.size) {
    const sizes = `${storage.count * storage.type.bytes} bytes by its type and ${place.size} by the file`;
    throw new Refusal(`has a storage ${show(storage.key)}, of tensor ${show(name)}, of ${sizes}`);
  }
  const entry: WeightEntry = {
    name,
    dtype: type.dtype,
    fileType: type.name,
    shape,
    offset: place.offset + offset,
    length,
  };
  if (place.checksum !== undefined) entry.checksum = place.checksum;
  const asItLies = place.coding === 'none' && isRowMajor(shape, strides) && (!place.bigEndian || type.bytes === 1);
  if (asItLies) return entry;
  const { offset: at, length: packed, size, coding, bigEndian } = place;
  return {
    ...entry,
    packing: { pieces: [{ offset: at, length: packed, size, coding }], start: offset, strides, bigEndian },
  };
}
