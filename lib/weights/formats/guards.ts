/** True for an object that is not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True for a non-negative integer that a number holds exactly. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** True for an array of non-negative integers: a shape, strides, offsets. */
export function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isCount);
}
