import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ResNetError } from '../../errors';
import { HttpError } from './error-response';

/** A token bucket: it holds one second's worth of requests and refills with time. */
interface TokenBucket {
  tokens: number;
  updatedAt: number;
}

/** API keys and their rate limits. */
export class Access {
  readonly #digests: readonly Buffer[];
  readonly #buckets: TokenBucket[];
  readonly #perSecond: number;

  /**
   * @param keys - empty: no key is needed
   * @param perSecond - requests a second for each key, which may come in one burst; 0: no limit
   */
  constructor(keys: readonly string[], perSecond: number) {
    this.#digests = keys.map(digest);
    this.#perSecond = perSecond;
    this.#buckets = keys.map(() => ({ tokens: perSecond, updatedAt: performance.now() }));
  }

  /** @throws ERR_API_KEY, ERR_RATE_LIMIT */
  check(headers: IncomingHttpHeaders): void {
    if (this.#digests.length === 0) return;
    const candidate = digest(keyOf(headers) ?? '');
    // All keys are compared, each in constant time: the duration reveals nothing about them.
    let match = -1;
    this.#digests.forEach((known, i) => {
      if (timingSafeEqual(known, candidate)) match = i;
    });
    const bucket = this.#buckets[match];
    if (bucket === undefined) {
      throw new ResNetError('ERR_API_KEY', 'An API key is needed: Authorization: Bearer KEY, or X-API-Key: KEY.');
    }
    if (this.#perSecond > 0) this.#takeToken(bucket);
  }

  #takeToken(bucket: TokenBucket): void {
    const now = performance.now();
    bucket.tokens = Math.min(this.#perSecond, bucket.tokens + ((now - bucket.updatedAt) / 1000) * this.#perSecond);
    bucket.updatedAt = now;
    if (bucket.tokens < 1) {
      const seconds = Math.ceil((1 - bucket.tokens) / this.#perSecond);
      throw new HttpError('ERR_RATE_LIMIT', `This key is limited to ${this.#perSecond} requests a second.`, {
        headers: { 'Retry-After': String(seconds) },
      });
    }
    bucket.tokens--;
  }
}

function keyOf(headers: IncomingHttpHeaders): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const apiKey = headers['x-api-key'];
  return bearer ?? (typeof apiKey === 'string' ? apiKey : undefined);
}

/** Digests have one length, which timingSafeEqual needs. */
function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
