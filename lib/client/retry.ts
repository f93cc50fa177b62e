import { setTimeout as sleep } from 'node:timers/promises';

/** Longer than this no answer is waited for, whatever the server says. */
const LONGEST_MS = 30_000;

/**
 * How long to wait before the next try: what the server asks for at least, doubled from try to try otherwise, and never
 * the same for all clients that it has refused.
 *
 * @param tried - how many tries have failed, from 1
 */
export function backOff(tried: number, retryAfter: string | null, random = Math.random()): number {
  const asked = retryAfter !== null && /^\d{1,4}$/.test(retryAfter) ? 1000 * Number(retryAfter) : 0;
  const own = 100 * 2 ** (tried - 1);
  return Math.min(LONGEST_MS, Math.max(asked, own) * (1 + random / 2));
}

/** Waits. @throws the signal's reason */
export async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  signal?.throwIfAborted();
}
