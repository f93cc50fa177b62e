import { setTimeout as sleep } from 'node:timers/promises';

/** The upper limit of a delay, whatever the server asks for. */
const MAX_DELAY_MS = 30_000;

/**
 * The delay before the next attempt, in milliseconds: exponential, at least what the server asks for, with jitter so
 * that rejected clients do not return all at once.
 *
 * @param attempts - how many have failed, at least 1
 * @param retryAfter - the header Retry-After, in seconds
 */
export function backOff(attempts: number, retryAfter: string | null, random = Math.random()): number {
  const requested = retryAfter !== null && /^\d{1,4}$/.test(retryAfter) ? 1000 * Number(retryAfter) : 0;
  const exponential = 100 * 2 ** (attempts - 1);
  return Math.min(MAX_DELAY_MS, Math.max(requested, exponential) * (1 + random / 2));
}

/** Waits, in milliseconds. @throws the signal's reason */
export async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  signal?.throwIfAborted();
}
