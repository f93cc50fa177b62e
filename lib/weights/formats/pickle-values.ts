import { isCounts } from './guards';

/**
 * What pickles are read into. Numbers, strings, booleans and null are themselves; a list is an array, a tuple a frozen
 * array, a dict a Map; everything else is an instance of one of these classes.
 */

/** Bytes that are left in the file: a weight file's pickle can hold hundreds of megabytes of them. */
export class PickledBytes {
  /**
   * @param offset - from the start of the source
   * @param length - bytes in the source, still encoded
   * @param encoding - 'latin1': each byte is stored as a character of UTF-8, as protocol 2 does
   */
  constructor(
    readonly offset: number,
    readonly length: number,
    readonly encoding: 'none' | 'latin1' = 'none',
  ) {}
}

/** A string that is too long to be kept in memory; its UTF-8 is left in the file. */
export class LongText {
  constructor(
    readonly offset: number,
    readonly length: number,
  ) {}
}

/**
 * Stands for every object whose content is of no interest, among them all objects of unknown Python globals, and those
 * globals themselves. There is only one, frozen: it has no methods, keys or state. Calling it, giving it a state or
 * adding items to it gives or leaves the same value.
 */
export const INERT: object = Object.freeze(Object.create(null) as object);

/** What calling a global returns. */
export type Call = (args: readonly unknown[]) => unknown;

/** A Python global that a pickle may name. Calling it runs our own code, never Python's. */
export class Global {
  constructor(
    readonly name: string,
    /** Absent: the global may be named, but not called. */
    readonly call?: Call,
  ) {}
}

/** The globals that a format allows, by `module.name`. */
export type Globals = ReadonlyMap<string, Global>;

/** An object that receives its state after construction (pickle's BUILD). */
export interface Buildable {
  build(state: unknown): void;
}

/** A rule of the format that the file breaks; the message is a predicate (`has …`) to which the caller adds the path. */
export class FormatViolation extends Error {}

export function globals(rules: Readonly<Record<string, Call | undefined>>): Globals {
  return new Map(Object.entries(rules).map(([name, call]) => [name, new Global(name, call)]));
}

/** A copy of a list or tuple of non-negative integers. */
export function integers(value: unknown, field: string): number[] {
  if (!isCounts(value)) throw new FormatViolation(`has a tensor whose ${field} is not a list of non-negative integers`);
  return [...value];
}
