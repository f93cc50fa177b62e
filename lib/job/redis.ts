import type { Redis } from 'ioredis';
import { badArgument, ResNetError } from '../errors';

/** A connection that, once established, reconnects for as long as it takes. */
export interface Connection {
  redis: Redis;
  /** The URL without user and password, for messages. */
  displayUrl: string;
  bullmq: typeof import('bullmq');
  /** Converts an error of Redis into an ERR_REDIS. */
  toRedisError(error: unknown): ResNetError;
  /** Passes such an error to `onNotice`, each message once. */
  reportOnce(error: unknown): void;
  /** Disconnects at once and stops reconnecting, also for connections made from this one. */
  end(): void;
}

const MAX_DELAY_MS = 2000;

/**
 * Connects to Redis.
 *
 * @param url - `redis://[user:password@]host[:port][/db]`, or `rediss://` for TLS
 * @param onNotice - called with a text for users when the connection is lost and when it is back
 * @throws ERR_ARGUMENT, ERR_REDIS; ERR_DEPENDENCY if bullmq or ioredis is not installed
 */
export async function connect(url: string, onNotice: (text: string) => void): Promise<Connection> {
  const displayUrl = withoutCredentials(url);
  const { Client, bullmq } = await importPackages();
  let [connected, ended, lost] = [false, false, false];
  // Without a cause, which may contain the password.
  const toRedisError = (error: unknown): ResNetError =>
    new ResNetError('ERR_REDIS', `Cannot use Redis at ${displayUrl}: ${redact((error as Error).message, url)}.`);
  const redis = new Client(url, {
    lazyConnect: true,
    maxRetriesPerRequest: null, // commands wait until Redis is back
    connectTimeout: 10_000,
    retryStrategy: (times) => (connected && !ended ? Math.min(100 * times, MAX_DELAY_MS) : null),
  });
  let reason: Error | undefined;
  redis.on('error', (error: Error) => (reason ??= error));
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    if (redis.status !== 'end') redis.disconnect();
    throw toRedisError(reason ?? error);
  }
  connected = true;
  redis.on('close', () => {
    if (ended || lost) return;
    lost = true;
    onNotice(`Redis at ${displayUrl} is gone; waiting for it`);
  });
  redis.on('ready', () => {
    if (lost) onNotice(`Redis at ${displayUrl} is back`);
    lost = false;
  });
  const end = (): void => {
    ended = true;
    redis.disconnect();
  };
  const reported = new Set<string>();
  const reportOnce = (error: unknown): void => {
    const { message } = toRedisError(error);
    if (!reported.has(message)) onNotice(message);
    reported.add(message);
  };
  return { redis, displayUrl, bullmq, toRedisError, reportOnce, end };
}

/** Optional peer dependencies, since most users run no jobs. */
async function importPackages(): Promise<{ Client: typeof Redis; bullmq: typeof import('bullmq') }> {
  try {
    return { bullmq: await import('bullmq'), Client: (await import('ioredis')).Redis };
  } catch (error) {
    throw new ResNetError('ERR_DEPENDENCY', 'A job needs two more packages: npm install bullmq ioredis.', {
      cause: error,
    });
  }
}

function withoutCredentials(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^rediss?:$/.test(parsed.protocol) || parsed.hostname === '' || !isEncoded(parsed)) {
    // The URL is not shown, since it may contain a password.
    throw badArgument('redis', 'redis://HOST[:PORT] or rediss://HOST[:PORT]', `${url.length} other characters`);
  }
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}

/** Whether user and password can be decoded: a stray percent sign would fail wherever they are read. */
function isEncoded({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

/** An error message in one line, without the password. */
function redact(message: string, url: string): string {
  const { password } = new URL(url);
  const line = message.replace(/\s+/g, ' ').replace(/\.$/, '');
  return password === '' ? line : line.replaceAll(password, '…').replaceAll(decodeURIComponent(password), '…');
}
