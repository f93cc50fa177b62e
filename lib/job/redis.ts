import type { Redis } from 'ioredis';
import { badArgument, ResNetError } from '../errors';

/** A connection that, once it was there, is tried again for as long as it takes. */
export interface Connection {
  redis: Redis;
  /** The address without user and password: for people. */
  shown: string;
  bullmq: typeof import('bullmq');
  /** An error that Redis answers with, as one of ours. */
  refusal(error: unknown): ResNetError;
  /** Tells people of such an error, each once. */
  complain(error: unknown): void;
  /** Ends it at once, and the tries of all connections made from it. */
  end(): void;
}

const LONGEST_DELAY = 2000;

/**
 * Connects to Redis.
 *
 * @param url - `redis://[user:password@]host[:port][/db]`, or `rediss://` for TLS
 * @param onNotice - told when Redis goes away, and when it is back
 * @throws ERR_ARGUMENT, ERR_REDIS, ERR_DEPENDENCY where bullmq or ioredis is not installed
 */
export async function connect(url: string, onNotice: (text: string) => void): Promise<Connection> {
  const shown = withoutSecrets(url);
  const { Client, bullmq } = await load();
  let [ready, ended, gone] = [false, false, false];
  // Without a cause: the password may be in it.
  const refusal = (error: unknown): ResNetError =>
    new ResNetError('ERR_REDIS', `Cannot use Redis at ${shown}: ${said((error as Error).message, url)}.`);
  const redis = new Client(url, {
    lazyConnect: true,
    maxRetriesPerRequest: null, // what a worker waits for may take as long as Redis does
    connectTimeout: 10_000,
    retryStrategy: (times) => (ready && !ended ? Math.min(100 * times, LONGEST_DELAY) : null),
  });
  let reason: Error | undefined;
  redis.on('error', (error: Error) => (reason ??= error));
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    if (redis.status !== 'end') redis.disconnect();
    throw refusal(reason ?? error);
  }
  ready = true;
  redis.on('close', () => {
    if (ended || gone) return;
    gone = true;
    onNotice(`Redis at ${shown} is gone; waiting for it`);
  });
  redis.on('ready', () => {
    if (gone) onNotice(`Redis at ${shown} is back`);
    gone = false;
  });
  const end = (): void => {
    ended = true;
    redis.disconnect();
  };
  const complaints = new Set<string>();
  const complain = (error: unknown): void => {
    const { message } = refusal(error);
    if (!complaints.has(message)) onNotice(message);
    complaints.add(message);
  };
  return { redis, shown, bullmq, refusal, complain, end };
}

/** Most have no use for the two, which are optional peer dependencies therefore. */
async function load(): Promise<{ Client: typeof Redis; bullmq: typeof import('bullmq') }> {
  try {
    return { bullmq: await import('bullmq'), Client: (await import('ioredis')).Redis };
  } catch (error) {
    throw new ResNetError('ERR_DEPENDENCY', 'A job needs two more packages: npm install bullmq ioredis.', {
      cause: error,
    });
  }
}

function withoutSecrets(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^rediss?:$/.test(parsed.protocol) || parsed.hostname === '' || !isEncoded(parsed)) {
    // It may have a password in it.
    throw badArgument('redis', 'redis://HOST[:PORT] or rediss://HOST[:PORT]', `${url.length} other characters`);
  }
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}

/** A percent sign that begins no byte would be an error of its own wherever the password is read. */
function isEncoded({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

/** What Redis or the system said, in one line, without the password. */
function said(message: string, url: string): string {
  const { password } = new URL(url);
  const line = message.replace(/\s+/g, ' ').replace(/\.$/, '');
  return password === '' ? line : line.replaceAll(password, '…').replaceAll(decodeURIComponent(password), '…');
}
