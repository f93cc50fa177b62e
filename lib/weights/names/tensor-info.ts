import type { DType } from '../../tensor';

/** A tensor without its values, as a weight file or a state dict describes it. */
export interface TensorInfo {
  /** Undefined where the file's type is valid, but not one that {@link Tensor} holds. */
  dtype: DType | undefined;
  shape: readonly number[];
}
