import { isNativeError } from 'node:util/types';
import { ERROR_CODES, ResNetError } from '../../lib/errors';
import type { Random } from './random';

/** One entry point: an input that random numbers decide, and what is done with it. */
export interface Target {
  name: string;
  /** Throws, or rejects with, what the product does. */
  run: (random: Random) => unknown;
  /** Makes what executions share, before any is timed. */
  prepare?: () => Promise<unknown>;
  /** The addon itself is asked: see {@link isPromised}. */
  bare?: boolean;
  /** Milliseconds that an execution may take; default: 5,000. */
  most?: number;
}

/** What a target's own input throws when it is read: the product may pass it on. */
export class Thrown extends Error {}

/**
 * Whether an error is one that users are promised: of our class with a code of the table that tells what is
 * wrong, or their own.
 *
 * @param bare - the addon's errors are asked, before they are made into ours: a code is enough
 */
export function isPromised(error: unknown, bare = false): boolean {
  if (error instanceof Thrown) return true;
  if (!(error instanceof ResNetError) && !(bare && isNativeError(error))) return false;
  const code = String((error as { code?: unknown }).code);
  return Object.hasOwn(ERROR_CODES, code) && code !== 'ERR_NATIVE'; // which is what nobody thought of
}
