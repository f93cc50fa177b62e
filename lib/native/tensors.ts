import { isSharedArrayBuffer } from 'node:util/types';
import { Tensor } from '../tensor';
import type { NativeEntry, NativeTensor } from './addon';

export function toNativeTensor({ dtype, shape, data }: Tensor): NativeTensor {
  // Node-API of older versions has no Float16Array, and none can read shared memory safely, so convert both.
  const half = data[Symbol.toStringTag] === ('Float16Array' as string);
  const plain = half ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data;
  return { dtype, shape, data: isSharedArrayBuffer(plain.buffer) ? plain.slice() : plain };
}

export function toNativeEntries(values: readonly (readonly [name: string, tensor: Tensor])[]): NativeEntry[] {
  return values.map(([name, tensor]) => ({ name, ...toNativeTensor(tensor) }));
}

export function fromNativeTensor({ dtype, shape, data }: NativeTensor): Tensor {
  return new Tensor(data, shape, dtype);
}

/** Counters that a state dict lacks: they begin at 0. */
export function zeroed(names: readonly string[]): [string, Tensor][] {
  return names.map((name) => [name, new Tensor(new BigInt64Array(1), [])]);
}
