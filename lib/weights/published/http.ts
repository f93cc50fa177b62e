import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { NetworkError, networkError } from './network-error';
import { withoutCredentials, clientFor, isWeb, proxyFor, throughProxy, tunnel } from './proxy';

/** A server's answer, its body still on the way. */
export interface HttpResponse {
  status: number;
  headers: IncomingHttpHeaders;
  /** Throws a {@link NetworkError} where the connection breaks or stalls. */
  body: AsyncIterable<Buffer>;
}

export interface GetOptions {
  headers: Record<string, string>;
  /** Milliseconds without a byte after which the connection is given up. */
  stallAfter: number;
  signal?: AbortSignal | undefined;
}

const MAX_REDIRECTS = 5;

/**
 * Asks for an address, follows redirects, and leaves no connection open behind it.
 *
 * @param use - takes the answer; what it returns or throws is returned or thrown
 * @throws NetworkError, or the signal's reason
 */
export async function get<T>(
  url: URL,
  { headers, stallAfter, signal }: GetOptions,
  use: (answer: HttpResponse) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  // One signal for all that ends the connection: the caller, the clock, and having got what we came for.
  const connection = new AbortController();
  const onAbort = (): void => connection.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const clock = stallClock(stallAfter, connection);
  try {
    const answer = await follow(url, headers, connection.signal);
    return await use({
      status: answer.statusCode ?? 0,
      headers: answer.headers,
      body: chunks(answer, clock),
    });
  } catch (error) {
    // Why a connection was ended tells more than that it was.
    throw connection.signal.aborted ? connection.signal.reason : error;
  } finally {
    clock.stop();
    signal?.removeEventListener('abort', onAbort);
    connection.abort();
  }
}

interface Clock {
  start(): void;
  stop(): void;
}

/** Ends a connection on which nothing comes. */
function stallClock(stallAfter: number, connection: AbortController): Clock {
  let timer: NodeJS.Timeout;
  const clock = {
    start(): void {
      clearTimeout(timer);
      const stalled = (): void =>
        connection.abort(new NetworkError(`nothing came for ${stallAfter / 1000} s`, { transient: true }));
      timer = setTimeout(stalled, stallAfter);
    },
    stop: (): void => clearTimeout(timer),
  };
  clock.start();
  return clock;
}

async function* chunks(answer: IncomingMessage, clock: Clock): AsyncIterable<Buffer> {
  try {
    for await (const chunk of answer) {
      clock.stop(); // a slow disk is not the network's fault
      yield chunk as Buffer;
      clock.start();
    }
  } catch (error) {
    throw networkError(error);
  }
}

async function follow(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<IncomingMessage> {
  let current = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const answer = await ask(current, headers, signal);
    const { location } = answer.headers;
    if (![301, 302, 303, 307, 308].includes(answer.statusCode ?? 0) || location === undefined) return answer;
    answer.destroy();
    current = redirected(current, location);
  }
  throw new NetworkError(`redirected more than ${MAX_REDIRECTS} times`);
}

function redirected(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to === undefined || !isWeb(to)) throw new NetworkError('redirected to what is no http or https address');
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new NetworkError(`redirected to ${to.origin}, which is not encrypted`);
  }
  return to;
}

async function ask(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<IncomingMessage> {
  try {
    const proxy = await proxyFor(url);
    if (proxy === undefined) return await send(url, { headers }, signal);
    if (url.protocol === 'https:')
      return await send(url, { headers, socket: await tunnel(proxy, url, signal) }, signal);
    const asked = throughProxy(proxy, url);
    return await send(
      withoutCredentials(proxy),
      { path: asked.path, headers: { ...headers, ...asked.headers } },
      signal,
    );
  } catch (error) {
    throw networkError(error);
  }
}

async function send(
  url: URL,
  options: Parameters<Awaited<ReturnType<typeof clientFor>>>[1],
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const client = await clientFor(url);
  return new Promise((resolve, reject) => {
    client(url, { ...options, agent: false, signal })
      .on('response', resolve)
      .on('error', reject) // for good: one that comes after the answer has no other listener
      .end();
  });
}
