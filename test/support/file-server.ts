import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';

/** Key and certificate of `localhost`, for tests alone. */
export const certificate = join(__dirname, 'localhost.pem');

/** What a server does with one request. */
export type Behavior = (request: IncomingMessage, response: ServerResponse, file: Buffer) => void;

/** As a good server: ranges, and the whole file where it has changed. */
export const whole: Behavior = (request, response, file) => send(request, response, file);

/** Sends so many bytes of what was asked for, then breaks off. */
export const breakAfter =
  (bytes: number, etag = TAG): Behavior =>
  (request, response, file) =>
    send(request, response, file, { bytes, etag });

/** Sends so many bytes, then nothing more. */
export const stallAfter =
  (bytes: number): Behavior =>
  (request, response, file) =>
    send(request, response, file, { bytes, stall: true });

/** Sends the whole file, whatever was asked for. */
export const ignoreRange: Behavior = (_, response, file) => {
  response.writeHead(200, { 'content-length': file.length }).end(file);
};

export const status =
  (code: number, headers: Record<string, string> = {}): Behavior =>
  (_, response) =>
    response.writeHead(code, headers).end('no file');

export const redirect = (location: string): Behavior => status(302, { location });

const TAG = '"1"';

function send(
  { headers }: IncomingMessage,
  response: ServerResponse,
  file: Buffer,
  { bytes, etag = TAG, stall = false }: { bytes?: number; etag?: string; stall?: boolean } = {},
): void {
  const [, from] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? [];
  const asked = from !== undefined && (headers['if-range'] ?? etag) === etag;
  const start = asked ? Number(from) : 0;
  const range = asked ? { 'content-range': `bytes ${start}-${file.length - 1}/${file.length}` } : {};
  response.writeHead(asked ? 206 : 200, { 'content-length': file.length - start, etag, ...range });
  if (bytes === undefined) {
    response.end(file.subarray(start));
    return;
  }
  // A while after all of it was handed to the system: what is still here would be lost, now more, now less of it.
  response.write(file.subarray(start, start + bytes), () => {
    if (!stall) setTimeout(() => response.destroy(), 50);
  });
}

const lengthOf = (chunk?: Buffer | string): number => chunk?.length ?? 0;

export interface Requested {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  /** Of the body. */
  sent: number;
}

export interface FileServer {
  /** Without a slash at the end. */
  url: string;
  requests: Requested[];
  /** What is done with the next requests; {@link whole} after that. */
  next: Behavior[];
  file: Buffer;
  /** How many connections are open. */
  open(): number;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A server on this machine that behaves, or doesn't. */
export async function fileServer(file: Buffer, next: Behavior[] = [], tls = false): Promise<FileServer> {
  const requests: Requested[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const requested = { method: request.method!, url: request.url!, headers: request.headers, sent: 0 };
    requests.push(requested);
    const write = response.write.bind(response) as (chunk: Buffer, ...rest: any[]) => boolean;
    const end = response.end.bind(response) as (...rest: any[]) => ServerResponse;
    response.write = (chunk: any, ...rest: any[]): boolean => (
      (requested.sent += lengthOf(chunk)),
      write(chunk, ...rest)
    );
    response.end = (chunk?: any): any => ((requested.sent += lengthOf(chunk)), end(chunk));
    (server.next.shift() ?? whole)(request, response, server.file);
  };
  const pem = readFileSync(certificate);
  const http = tls ? createTlsServer({ key: pem, cert: pem }, answer) : createServer(answer);
  const { port, open, close } = await listening(http);
  const url = tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
  const server: FileServer = { url, requests, next, file, open, [Symbol.asyncDispose]: close };
  return server;
}

export interface Proxy {
  url: string;
  /** `METHOD target`, with the user and password that came. */
  asked: string[];
  /** How many connections are open. */
  open(): number;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A proxy that tunnels and forwards; or answers tunnels with a status, 0 for never. */
export async function proxyServer(refuse?: number): Promise<Proxy> {
  const asked: string[] = [];
  const note = ({ method, url, headers }: IncomingMessage): void => {
    const [, pair = ''] = /^Basic (.*)$/.exec(headers['proxy-authorization'] ?? '') ?? [];
    asked.push(`${method!} ${url!} ${Buffer.from(pair, 'base64').toString()}`.trim());
  };
  const http = createServer((request, response) => {
    note(request);
    const { host, port, pathname } = new URL(request.url!);
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.write(`GET ${pathname} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
      socket.pipe(response.socket!);
    });
  });
  http.on('connect', (request, client) => {
    note(request);
    if (refuse !== undefined) {
      if (refuse > 0) client.end(`HTTP/1.1 ${refuse} No\r\n\r\n`);
      else client.on('end', () => client.end()).resume(); // to see it close
      return;
    }
    const socket = connect(Number(request.url!.split(':').at(-1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(client);
      client.pipe(socket);
    });
    for (const [one, other] of [
      [socket, client],
      [client, socket],
    ] as const) {
      one.on('error', () => other.destroy());
    }
  });
  const { port, open, close } = await listening(http);
  return { url: `http://127.0.0.1:${port}`, asked, open, [Symbol.asyncDispose]: close };
}

async function listening(server: Server): Promise<{ port: number; open: () => number; close: () => Promise<void> }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return { port: (server.address() as AddressInfo).port, open: () => sockets.size, close };
}
