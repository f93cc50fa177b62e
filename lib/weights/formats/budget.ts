import { show } from '../../errors';
import { Refusal } from './pickle-values';
import { span } from './strides';
import type { WeightEntry } from './weight-file';

const MAX_DIMENSIONS = 16;
const TIMES_THE_FILE = 8;
const SMALL = 1 << 26;

/** The product of a tensor's shape. */
export function elementsOf(name: string, shape: readonly number[]): number {
  if (shape.length > MAX_DIMENSIONS) throw new Refusal(`has a tensor ${show(name)} of ${shape.length} dimensions`);
  const elements = shape.reduce((product, dimension) => product * dimension, 1);
  // Eight bytes each have to be counted exactly too.
  if (!Number.isSafeInteger(elements * 16)) throw new Refusal(`has a tensor ${show(name)} whose shape overflows`);
  return elements;
}

/**
 * Makes sure that a file's tensors are not much more than the file: repeated elements, storages that hundreds of
 * tensors share and what deflates to nothing could ask for any amount of memory and time.
 */
export function checkBudget(entries: readonly WeightEntry[], fileSize: number): void {
  const most = TIMES_THE_FILE * fileSize + SMALL;
  const needed = entries.reduce((sum, entry) => sum + cost(entry), 0);
  if (needed <= most) return;
  throw new Refusal(`is ${fileSize} bytes long and unpacks to ${needed}: more than ${most} are not unpacked`);
}

/** Bytes that are held or read for a tensor. */
function cost({ shape, length, packing }: WeightEntry): number {
  if (packing === undefined) return length;
  const elements = shape.reduce((product, dimension) => product * dimension, 1);
  const width = elements === 0 ? 0 : length / elements;
  const decoded = packing.pieces.reduce((sum, { size, coding }) => sum + (coding === 'none' ? 0 : size), 0);
  return length + decoded + span(shape, packing.strides) * width;
}
