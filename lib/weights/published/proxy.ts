import type { ClientRequest, RequestOptions } from 'node:http';
import type { Duplex } from 'node:stream';
import { NetworkError } from './network-error';

/** The proxy for a URL according to HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, if any. */
export async function proxyFor(url: URL): Promise<URL | undefined> {
  const { getProxyForUrl } = await import('proxy-from-env');
  const address = getProxyForUrl(url.href);
  if (address === '') return undefined;
  const proxy = URL.canParse(address) ? new URL(address) : undefined;
  if (proxy !== undefined && isWeb(proxy)) return proxy;
  throw new NetworkError('the proxy that the environment names is neither http nor https');
}

/** Node's HTTP or HTTPS client, loaded on first use. */
export async function loadClient(
  url: URL,
): Promise<(url: URL, options: RequestOptions & { socket?: Duplex }) => ClientRequest> {
  return url.protocol === 'https:' ? (await import('node:https')).request : (await import('node:http')).request;
}

/** Path and headers of a request for an http URL that is sent to a proxy: the path is the whole URL. */
export function forwardedRequest(proxy: URL, url: URL): { path: string; headers: Record<string, string> } {
  const headers = {
    host: url.host,
    ...credentials('authorization', url),
    ...credentials('proxy-authorization', proxy),
  };
  return { path: withoutCredentials(url).href, headers };
}

/** Opens a tunnel (CONNECT) through a proxy to the host of an https URL; the proxy sees the host and nothing else. */
export async function openTunnel(proxy: URL, url: URL, signal: AbortSignal): Promise<Duplex> {
  const host = `${url.hostname}:${url.port || '443'}`;
  const headers = { host, ...credentials('proxy-authorization', proxy) };
  const client = await loadClient(proxy);
  return new Promise((resolve, reject) => {
    client(withoutCredentials(proxy), { method: 'CONNECT', path: host, headers, agent: false, signal })
      .on('connect', (response, socket) => {
        if (response.statusCode === 200) {
          resolve(socket);
          return;
        }
        socket.destroy();
        reject(new NetworkError(`the proxy ${proxy.host} answered ${response.statusCode ?? 'nothing'}`));
      })
      .on('error', reject)
      .end();
  });
}

export function isWeb({ protocol }: URL): boolean {
  return protocol === 'https:' || protocol === 'http:';
}

/** The URL without user and password, for messages, and for Node's client, which would send them. */
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
