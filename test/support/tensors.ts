import { Tensor } from '../../lib/tensor';

/** Values in [-1, 1), other ones at each call. */
export function randomTensor(shape: readonly number[]): Tensor {
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  return new Tensor(
    Float32Array.from({ length: size }, () => 2 * Math.random() - 1),
    shape,
  );
}
