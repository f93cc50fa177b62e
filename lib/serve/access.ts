import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ResNetError } from '../errors';
import { RetryableError } from './refusal';

/** Tokens that fill up again with time. */
interface Bucket {
  tokens: number;
  at: number;
}

/** Who may ask, and how often. */
export class Access {
  readonly #digests: readonly Buffer[];
  readonly #buckets: Bucket[];
  readonly #perSecond: number;

  /**
   * @param keys - empty: everybody may ask
   * @param perSecond - requests of each key; 0: no limit. A second's worth may come at once.
   */
  constructor(keys: readonly string[], perSecond: number) {
    this.#digests = keys.map(digest);
    this.#perSecond = perSecond;
    this.#buckets = keys.map(() => ({ tokens: perSecond, at: performance.now() }));
  }

  /** @throws ERR_API_KEY, ERR_RATE_LIMIT */
  check(headers: IncomingHttpHeaders): void {
    if (this.#digests.length === 0) return;
    const given = digest(keyOf(headers) ?? '');
    // Every key is compared, whole: how long it takes tells nothing of them.
    let found = -1;
    this.#digests.forEach((known, i) => {
      if (timingSafeEqual(known, given)) found = i;
    });
    const bucket = this.#buckets[found];
    if (bucket === undefined) {
      throw new ResNetError('ERR_API_KEY', 'An API key is needed: Authorization: Bearer KEY, or X-API-Key: KEY.');
    }
    if (this.#perSecond > 0) this.#take(bucket);
  }

  #take(bucket: Bucket): void {
    const now = performance.now();
    bucket.tokens = Math.min(this.#perSecond, bucket.tokens + ((now - bucket.at) / 1000) * this.#perSecond);
    bucket.at = now;
    if (bucket.tokens < 1) {
      const wait = Math.ceil((1 - bucket.tokens) / this.#perSecond);
      throw new RetryableError('ERR_RATE_LIMIT', `This key may ask ${this.#perSecond} times a second.`, wait);
    }
    bucket.tokens--;
  }
}

function keyOf(headers: IncomingHttpHeaders): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const own = headers['x-api-key'];
  return bearer ?? (typeof own === 'string' ? own : undefined);
}

/** Of one length, whatever the key's is. */
function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
