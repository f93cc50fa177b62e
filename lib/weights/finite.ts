import type { Tensor } from '../tensor';
import { listFirst } from './names/match';

/** Whether all values are finite as float32. */
export function hasFiniteValues(tensor: Tensor): boolean {
  const values = tensor.toFloat32();
  // A loop over local variables, because this runs over all values of a network. Only x - x of what is not finite is NaN.
  for (const value of values) if (value - value !== 0) return false;
  return true;
}

/** The names of the tensors with values that are NaN or infinite as float32. */
export function nonFinite(tensors: Iterable<readonly [string, Tensor]>): string[] {
  return [...tensors].filter(([, tensor]) => !hasFiniteValues(tensor)).map(([name]) => name);
}

/** One warning that lists all of the names; none if there are none. */
export function warnOfNonFinite(subject: string, names: readonly string[], warn: (message: string) => void): void {
  if (names.length === 0) return;
  const count = names.length === 1 ? '1 tensor' : `${names.length} tensors`;
  warn(`${subject} has values that are NaN or infinite in ${count}: ${listFirst(names)}.`);
}
