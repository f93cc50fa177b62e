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

/** Whether the elements lie in row-major order without gaps; a dimension of 1 is never stepped along. */
export function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  const wanted = rowMajor(shape);
  return shape.includes(0) || shape.every((dimension, i) => dimension === 1 || strides[i] === wanted[i]);
}

/** From the first element to behind the last one, in elements. */
export function span(shape: readonly number[], strides: readonly number[]): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((end, dimension, i) => end + (dimension - 1) * (strides[i] as number), 1);
}

/**
 * Elements put into row-major order.
 *
 * @param bytes - from the tensor's first element on
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
    // The next index, as an odometer counts.
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
