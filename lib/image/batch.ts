import { Tensor } from '../tensor';

/** One picture as a network takes it: uint8 RGB [height, width, 3], or normalized float32 [3, height, width]. */
export interface NetworkInput {
  data: Uint8Array | Float32Array;
  height: number;
  width: number;
}

/**
 * Rows of one size and kind as a network's input: uint8 [N, H, W, 3] or float32 [N, 3, H, W]. A single row is used
 * without a copy.
 */
export function toBatch(rows: readonly NetworkInput[]): Tensor {
  const [first] = rows;
  if (first === undefined) throw new Error('an empty batch');
  const { data, height, width } = first;
  const pictures = data instanceof Uint8Array;
  const shape = pictures ? [rows.length, height, width, 3] : [rows.length, 3, height, width];
  if (rows.length === 1) return new Tensor(data, shape);
  const batch = new (pictures ? Uint8Array : Float32Array)(rows.length * data.length);
  rows.forEach((row, i) => batch.set(row.data, i * data.length));
  return new Tensor(batch, shape);
}
