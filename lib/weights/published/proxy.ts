import type { ClientRequest, RequestOptions } from 'node:http';
import type { Duplex } from 'node:stream';
import { NetworkError } from './network-error';

/** The proxy that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY name for an address, if any. */
export async function proxyFor(url: URL): Promise<URL | undefined> {
  const { getProxyForUrl } = await import('proxy-from-env');
  const named = getProxyForUrl(url.href);
  if (named === '') return undefined;
  const proxy = URL.canParse(named) ? new URL(named) : undefined;
  if (proxy !== undefined && isWeb(proxy)) return proxy;
  throw new NetworkError('the proxy that the environment names is no http or https address');
}

/** The client for an address: Node's own, loaded when something is asked of the network. */
export async function clientFor(
  url: URL,
): Promise<(url: URL, options: RequestOptions & { socket?: Duplex }) => ClientRequest> {
  return url.protocol === 'https:' ? (await import('node:https')).request : (await import('node:http')).request;
}

/** How a request for an address without encryption is put to a proxy: the whole address instead of its path. */
export function throughProxy(proxy: URL, url: URL): { path: string; headers: Record<string, string> } {
  const headers = {
    host: url.host,
    ...credentials('authorization', url),
    ...credentials('proxy-authorization', proxy),
  };
  return { path: withoutCredentials(url).href, headers };
}

/** A connection through a proxy to an address's host, to encrypt in: the proxy sees where to, and nothing else. */
export async function tunnel(proxy: URL, url: URL, signal: AbortSignal): Promise<Duplex> {
  const host = `${url.hostname}:${url.port || '443'}`;
  const headers = { host, ...credentials('proxy-authorization', proxy) };
  const client = await clientFor(proxy);
  return new Promise((resolve, reject) => {
    client(withoutCredentials(proxy), { method: 'CONNECT', path: host, headers, agent: false, signal })
      .on('connect', (answer, socket) => {
        if (answer.statusCode === 200) {
          resolve(socket);
          return;
        }
        socket.destroy();
        reject(new NetworkError(`the proxy ${proxy.host} answered ${answer.statusCode ?? 'nothing'}`));
      })
      .on('error', reject)
      .end();
  });
}

export function isWeb({ protocol }: URL): boolean {
  return protocol === 'https:' || protocol === 'http:';
}

/** An address without the user and password that it may have: fit for messages, and for Node, which would send them. */
export function withoutCredentials(url: URL): URL {
  const copy = new URL(url);
  copy.username = copy.password = '';
  return copy;
}

function credentials(header: string, { username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const pair = [username, password].map(decodeURIComponent).join(':');
  return { [header]: `Basic ${Buffer.from(pair).toString('base64')}` };
}
