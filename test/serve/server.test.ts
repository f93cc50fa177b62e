import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { serverOf } from '../../lib/serve/server';
import { temporaryFolder } from '../support/files';
import { until } from '../support/until';
import { fakeModel, FakeNetwork, infer, serve } from './support';

const folder = temporaryFolder();
const models = [{ weights: 'random' }];
const input = { name: 'input', shape: [1, 3, 1, 1], datatype: 'FP32', data: [1, 2, 3] };
const turn = (ms = 20): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('live at once, ready after the first forward', async () => {
  const network = new FakeNetwork();
  let warm: (() => void) | undefined;
  network.gate = () => new Promise((resolve) => (warm = resolve));
  const app = await serverOf({ models, logLevel: 'silent' }, [fakeModel(network)]);
  const status = async (path: string): Promise<number> => (await app.inject(path)).statusCode;
  await until(() => warm !== undefined);
  expect(await Promise.all(['live', 'ready'].map((path) => status(`/v2/health/${path}`)))).toEqual([200, 503]);
  expect((await app.inject('/v2/models/fake/ready')).json()).toEqual({ name: 'fake', ready: false });
  warm!();
  await until(async () => (await status('/v2/health/ready')) === 200);
  await app.close();
});

test('closing: not ready, no new work, accepted requests are answered, then the network is freed', async () => {
  const network = new FakeNetwork();
  const { app, url } = await serve({}, network);
  let letGo: (() => void) | undefined;
  network.gate = () => new Promise((resolve) => (letGo = resolve));
  const accepted = infer(url, { inputs: [input] });
  await until(() => letGo !== undefined);
  const closed = app.close();
  await until(async () => (await fetch(`${url}/v2/health/ready`)).status === 503);
  expect((await fetch(`${url}/v2/health/live`)).status).toBe(200);
  const late = await infer(url, { inputs: [input] });
  expect([late.status, late.headers.get('retry-after'), await late.json()]).toEqual([
    503,
    '1',
    { error: expect.any(String), code: 'ERR_STOPPING' },
  ]);
  expect(network.disposed).toBe(false);
  letGo!();
  const answer = await accepted;
  expect([answer.status, ((await answer.json()) as any).outputs[0].data]).toEqual([200, [1, 3, 4, 0.5]]);
  await closed;
  expect(network.disposed).toBe(true);
});

test('closing waits no longer than drainMs', async () => {
  const network = new FakeNetwork();
  const app = await serverOf({ models, logLevel: 'silent', drainMs: 100, timeoutMs: 1000 }, [fakeModel(network)]);
  await until(async () => (await app.inject('/v2/health/ready')).statusCode === 200);
  let running = false;
  network.gate = () => new Promise(() => (running = true));
  const asked = app.inject({ method: 'POST', url: '/v2/models/fake/infer', payload: { inputs: [input] } });
  await until(() => running);
  const begun = performance.now();
  await app.close();
  expect(performance.now() - begun).toBeLessThan(5000);
  void asked;
});

test("closing may take longer than Fastify's default limit for hooks", async () => {
  const network = new FakeNetwork();
  const { app, url } = await serve({}, network);
  let letGo: (() => void) | undefined;
  network.gate = () => new Promise((resolve) => (letGo = resolve));
  const accepted = infer(url, { inputs: [input], parameters: { timeout: 20_000_000 } });
  await until(() => letGo !== undefined);
  const closed = app.close();
  await turn(10_300);
  expect((await infer(url, { inputs: [input] })).status).toBe(503);
  letGo!();
  expect((await accepted).status).toBe(200);
  await closed;
}, 20_000);

test('a connection without a request does not delay closing', async () => {
  const { app, url } = await serve();
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const ended = new Promise((resolve) => socket.once('close', resolve));
  await turn();
  const begun = performance.now();
  await app.close();
  expect(performance.now() - begun).toBeLessThan(5000);
  await ended;
});

test("each request has an id, the client's own if it sends one", async () => {
  const { url } = await serve();
  expect((await fetch(`${url}/v2`)).headers.get('x-request-id')).toMatch(/./);
  const own = await fetch(`${url}/v2`, { headers: { 'x-request-id': 'mine' } });
  expect(own.headers.get('x-request-id')).toBe('mine');
});

test('metrics tell why requests failed', async () => {
  const network = new FakeNetwork();
  const { url } = await serve({ maxQueueSize: 4 }, network);
  const counts = async (): Promise<string[]> => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return [...text.matchAll(/^nv_inference_request_(\w+?)\{.*?(?:reason="(\w+)")?\} (\d+)$/gm)]
      .filter(([, name]) => name === 'success' || name === 'failure')
      .map(([, name, reason = '', value]) => `${name} ${reason} ${value}`);
  };
  expect(await counts()).toEqual(['success  0']);
  await infer(url, { inputs: [input] });
  await infer(url, { inputs: [{ ...input, shape: [5, 3, 1, 1], data: Array(15).fill(0) }] });
  network.gate = () => turn(200);
  await infer(url, { inputs: [input], parameters: { timeout: 10_000 } });
  expect((await counts()).sort()).toEqual(['failure CANCELED 1', 'failure REJECTED 1', 'success  1']);
});

test('HTTPS', async () => {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = [
    '-subj',
    '/CN=localhost',
    '-days',
    '1',
    '-nodes',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
  ];
  execFileSync('openssl', ['req', '-x509', ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const tls = { key: readFileSync(key), cert: readFileSync(cert) };
  const app = await serverOf({ models, logLevel: 'silent', tls }, [fakeModel(new FakeNetwork())]);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const status = await new Promise((resolve, reject) => {
    const options = {
      port,
      host: '127.0.0.1',
      path: '/v2',
      ca: tls.cert,
      servername: 'localhost',
      agent: false as const,
    };
    httpsRequest(options, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end();
  });
  expect(status).toBe(200);
  await app.close();
});

test('pipelined responses on a reset connection do not delay closing', async () => {
  const network = new FakeNetwork();
  const { app, url } = await serve({}, network);
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  network.gate = () => gate;
  const body = JSON.stringify({ inputs: [input] });
  const one = `POST /v2/models/fake/infer HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined).write(one + one + one);
  await turn(100);
  socket.resetAndDestroy();
  await turn(100);
  open();
  const since = performance.now();
  await app.close();
  expect(performance.now() - since).toBeLessThan(5_000);
});
