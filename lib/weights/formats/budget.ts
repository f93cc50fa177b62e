import { inspect } from '../../errors';
import { FormatViolation } from './pickle-values';
import { span } from './strides';
import type { WeightEntry } from './weight-file';

const MAX_DIMENSIONS = 16;
/** A file's tensors may take this many times its size, and this many bytes on top. */
const MAX_EXPANSION = 8;
const EXTRA_BYTES = 1 << 26;

/** The number of a tensor's elements. */
export function elementsOf(name: string, shape: readonly number[]): number {
  if (shape.length > MAX_DIMENSIONS)
    throw new FormatViolation(`has a tensor ${inspect(name)} of ${shape.length} dimensions`);
  const elements = shape.reduce((product, dimension) => product * dimension, 1);
  // The bytes, up to 16 for each element, must be exact as well.
  if (!Number.isSafeInteger(elements * 16))
    throw new FormatViolation(`has a tensor ${inspect(name)} whose shape overflows`);
  return elements;
}

/**
 * Limits what a file's tensors unpack to. Without it, repeated elements (stride 0), storages that hundreds of tensors
 * share, and data that deflates to almost nothing could take any amount of memory and time.
 */
export function checkBudget(entries: readonly WeightEntry[], fileSize: number): void {
  const maxBytes = MAX_EXPANSION * fileSize + EXTRA_BYTES;
  const needed = entries.reduce((sum, entry) => sum + cost(entry), 0);
  if (needed <= maxBytes) return;
  throw new FormatViolation(
    `is ${fileSize} bytes long and unpacks to ${needed}: more than ${maxBytes} are not unpacked`,
  );
}

/** Bytes that unpacking a tensor reads and allocates. */
function cost({ shape, length, packing }: WeightEntry): number {
  if (packing === undefined) return length;
  const elements = shape.reduce((product, dimension) => product * dimension, 1);
  const width = elements === 0 ? 0 : length / elements;
  const decoded = packing.ranges.reduce((sum, { size, encoding }) => sum + (encoding === 'none' ? 0 : size), 0);
  return length + decoded + span(shape, packing.strides) * width;
}
