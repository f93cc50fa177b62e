import { DTYPE_BYTES, Tensor, type DType, type TensorData } from '../../../lib/tensor';
import { junk, perhaps, typedArray } from '../values';
import type { Random } from '../random';
import type { Target } from '../target';

const DTYPES = Object.keys(DTYPE_BYTES) as DType[];

function shape(random: Random): unknown {
  const some = Array.from({ length: random.below(6) }, () => random.pick([0, 1, 1, 1, 2, 2, 4]));
  if (random.chance(0.05)) some.push(random.pick([-1, 0.5, NaN, 2 ** 31, 2 ** 53, 2 ** 60]));
  if (random.chance(0.05)) {
    // Another number at each look.
    let looks = 0;
    Object.defineProperty(some, '0', { get: () => ++looks, enumerable: true, configurable: true });
  }
  return some;
}

function make(random: Random): void {
  const plain = random.chance(0.2) ? Array.from({ length: random.below(5) }, () => perhaps(random, 1.5)) : undefined;
  const data = perhaps(random, plain ?? typedArray(random, random.pick([0, 1, 2, 4, 8])));
  const dtype = random.chance(0.5) ? undefined : perhaps(random, random.pick(DTYPES));
  const tensor = new Tensor(data as TensorData, perhaps(random, shape(random)) as number[], dtype as DType);
  const size = tensor.shape.reduce((product, dimension) => product * dimension, 1);
  if (!DTYPES.includes(tensor.dtype)) throw new Error(`a tensor of dtype ${tensor.dtype}`);
  if (!ArrayBuffer.isView(tensor.data)) throw new Error('a tensor without a typed array');
  if (size !== tensor.size || !tensor.shape.every(Number.isSafeInteger)) {
    throw new Error(`a tensor of shape [${tensor.shape.join(', ')}] and ${tensor.size} elements`);
  }
  if (Object.hasOwn(tensor.data, 'length')) return; // the caller's own lie
  const floats = tensor.toFloat32();
  if (!(floats instanceof Float32Array) || floats.length !== size) throw new Error('other floats than elements');
}

export const TENSOR: readonly Target[] = [
  {
    name: 'tensor',
    run: (random) => {
      if (random.chance(0.1)) new Tensor(junk(random) as never, junk(random) as never, junk(random) as never);
      else make(random);
    },
  },
];
