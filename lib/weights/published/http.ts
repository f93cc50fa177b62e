import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { NetworkError, toNetworkError } from './network-error';
import { forwardedRequest, isWeb, loadClient, openTunnel, proxyFor, withoutCredentials } from './proxy';

/** A response whose body is still to be read. */
export interface HttpResponse {
  status: number;
  headers: IncomingHttpHeaders;
  /** Throws a {@link NetworkError} if the connection breaks or stalls. */
  body: AsyncIterable<Buffer>;
}

export interface GetOptions {
  headers: Record<string, string>;
  /** Give up after this many milliseconds without a byte. */
  stallAfter: number;
  signal?: AbortSignal | undefined;
}

const MAX_REDIRECTS = 5;

/**
 * Sends a GET request, follows redirects, and closes the connection in the end.
 *
 * @param use - receives the response; its result or error is that of `get`
 * @throws NetworkError, or the signal's reason
 */
export async function get<T>(
  url: URL,
  { headers, stallAfter, signal }: GetOptions,
  use: (response: HttpResponse) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  // One signal ends the connection for every reason: the caller's abort, a stall, and having finished.
  const connection = new AbortController();
  const onAbort = (): void => connection.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer = stallTimer(stallAfter, connection);
  try {
    const response = await followRedirects(url, headers, connection.signal);
    return await use({
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: readChunks(response, timer),
    });
  } catch (error) {
    // The reason for ending the connection tells more than the error that follows.
    throw connection.signal.aborted ? connection.signal.reason : error;
  } finally {
    timer.stop();
    signal?.removeEventListener('abort', onAbort);
    connection.abort();
  }
}

interface StallTimer {
  start(): void;
  stop(): void;
}

/** Ends a connection that receives nothing for a while. */
function stallTimer(stallAfter: number, connection: AbortController): StallTimer {
  let timeout: NodeJS.Timeout;
  const timer = {
    start(): void {
      clearTimeout(timeout);
      const onStall = (): void =>
        connection.abort(new NetworkError(`nothing came for ${stallAfter / 1000} s`, { transient: true }));
      timeout = setTimeout(onStall, stallAfter);
    },
    stop: (): void => clearTimeout(timeout),
  };
  timer.start();
  return timer;
}

async function* readChunks(response: IncomingMessage, timer: StallTimer): AsyncIterable<Buffer> {
  try {
    for await (const chunk of response) {
      timer.stop(); // the time that the consumer takes does not count
      yield chunk as Buffer;
      timer.start();
    }
  } catch (error) {
    throw toNetworkError(error);
  }
}

async function followRedirects(
  url: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  let current = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await request(current, headers, signal);
    const { location } = response.headers;
    if (![301, 302, 303, 307, 308].includes(response.statusCode ?? 0) || location === undefined) return response;
    response.destroy();
    current = checkRedirect(current, location);
  }
  throw new NetworkError(`redirected more than ${MAX_REDIRECTS} times`);
}

function checkRedirect(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to === undefined || !isWeb(to)) throw new NetworkError('redirected to an address that is neither http nor https');
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new NetworkError(`redirected to ${to.origin}, which is not encrypted`);
  }
  return to;
}

async function request(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<IncomingMessage> {
  try {
    const proxy = await proxyFor(url);
    if (proxy === undefined) return await send(url, { headers }, signal);
    if (url.protocol === 'https:')
      return await send(url, { headers, socket: await openTunnel(proxy, url, signal) }, signal);
    const forwarded = forwardedRequest(proxy, url);
    const options = { path: forwarded.path, headers: { ...headers, ...forwarded.headers } };
    return await send(withoutCredentials(proxy), options, signal);
  } catch (error) {
    throw toNetworkError(error);
  }
}

async function send(
  url: URL,
  options: Parameters<Awaited<ReturnType<typeof loadClient>>>[1],
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const client = await loadClient(url);
  return new Promise((resolve, reject) => {
    client(url, { ...options, agent: false, signal })
      .on('response', resolve)
      .on('error', reject) // also catches errors after the response, which nothing else listens for
      .end();
  });
}
