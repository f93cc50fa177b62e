/**
 * What an unpickled value is made of. Numbers, strings, booleans and null are themselves; a list is an array and a
 * tuple a frozen one; a dict is a Map, whatever its keys are called; the rest is one of these.
 */

/** Bytes, left where they lie: a weight file's pickle can hold hundreds of megabytes of them. */
export class PickledBytes {
  /**
   * @param offset - from the start of what is unpickled
   * @param length - as they lie there
   * @param coding - 'latin1': each byte is a character of UTF-8, as protocol 2 has bytes
   */
  constructor(
    readonly offset: number,
    readonly length: number,
    readonly coding: 'none' | 'latin1' = 'none',
  ) {}
}

/** A string, and where its UTF-8 lies; the text of a long one stays there. */
export class LongText {
  constructor(
    readonly offset: number,
    readonly length: number,
  ) {}
}

/** An object of which nobody needs to know more than that it is there. */
export class Opaque {
  constructor(readonly type: string) {}
}

/** What a call of a global makes of its arguments. */
export type Call = (args: readonly unknown[]) => unknown;

/** A global that may be named. Nothing of Python's is behind it: what a call makes is said here. */
export class Global {
  constructor(
    readonly name: string,
    /** Absent: it can be named and not called. */
    readonly call?: Call,
  ) {}
}

/** The globals that a format allows, by `module.name`. */
export type Globals = ReadonlyMap<string, Global>;

/** An object that takes a state after it was made. */
export interface Buildable {
  build(state: unknown): void;
}

/** A reason to refuse a pickle, found by a rule that does not know the file; worded as what the file does. */
export class Refusal extends Error {}

export function globals(rules: Readonly<Record<string, Call | undefined>>): Globals {
  return new Map(Object.entries(rules).map(([name, call]) => [name, new Global(name, call)]));
}

/** A list or tuple of integers that are not negative, copied. */
export function integers(value: unknown, what: string): number[] {
  const valid = Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && (item as number) >= 0);
  if (!valid) throw new Refusal(`has a tensor whose ${what} is no list of non-negative integers`);
  return [...(value as number[])];
}
