import type { Tensor } from '../tensor';
import { listSome } from './names/match';

/** The names of the tensors that have values which are NaN or infinite as float32. */
export function nonFinite(tensors: Iterable<readonly [string, Tensor]>): string[] {
  return [...tensors].filter(([, tensor]) => !tensor.toFloat32().every(Number.isFinite)).map(([name]) => name);
}

/** One warning for all of them; none where there are none. */
export function warnOfNonFinite(subject: string, names: readonly string[], warn: (message: string) => void): void {
  if (names.length === 0) return;
  const count = names.length === 1 ? '1 tensor' : `${names.length} tensors`;
  warn(`${subject} has values that are NaN or infinite in ${count}: ${listSome(names)}.`);
}
