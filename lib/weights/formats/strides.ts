/** The strides, in elements, of a tensor whose last dimension is the innermost. */
export function rowMajor(shape: readonly number[]): number[] {
  let step = 1;
  return shape
    .toReversed()
    .map((dimension) => {
      const stride = step;
      step *= dimension;
      return stride;
    })
    .reverse();
}

/** The strides of a tensor whose first dimension is the innermost, as Fortran has it. */
export function columnMajor(shape: readonly number[]): number[] {
  return rowMajor(shape.toReversed()).reverse();
}

/** Whether the elements are in row-major order without gaps. The stride of a dimension of 1 does not matter. */
export function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  const expected = rowMajor(shape);
  return shape.includes(0) || shape.every((dimension, i) => dimension === 1 || strides[i] === expected[i]);
}

/** The distance from the first element to the end of the last one, in elements. */
export function span(shape: readonly number[], strides: readonly number[]): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((end, dimension, i) => end + (dimension - 1) * (strides[i] as number), 1);
}

/**
 * Copies elements into row-major order.
 *
 * @param bytes - starting with the tensor's first element
 * @param width - bytes per element
 */
export function gather(
  bytes: Uint8Array,
  shape: readonly number[],
  strides: readonly number[],
  width: number,
): Uint8Array<ArrayBuffer> {
  const count = shape.reduce((product, dimension) => product * dimension, 1);
  const out = new Uint8Array(count * width);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < count; to++) {
    for (let byte = 0; byte < width; byte++) out[to * width + byte] = bytes[from * width + byte] as number;
    // Advance the index like an odometer.
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] as number;
      from += stride;
      if (++(index[axis] as number) < (shape[axis] as number)) break;
      from -= stride * (shape[axis] as number);
      index[axis] = 0;
    }
  }
  return out;
}
