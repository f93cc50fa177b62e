import { connect } from 'node:net';
import { Tensor } from '../../lib/tensor';
import { until } from '../support/until';
import { FakeNetwork, infer, serve } from './support';

const input = { name: 'input', shape: [1, 3, 1, 1], datatype: 'FP32', data: [1, 2, 3] };
const turn = (ms = 20): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** Places taken in the queue. */
const pending = async (url: string): Promise<number> => {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^nv_inference_pending_request_count\{model="fake",version="1"\} (\d+)$/m.exec(metrics)?.[1]);
};
const answer = async (response: Response): Promise<[number, any]> => [response.status, await response.json()];

/** A network that answers only after `letGo`; the warm-up passes. */
function held(): { network: FakeNetwork; letGo: () => void } {
  const network = new FakeNetwork();
  let letGo = (): void => undefined;
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  network.gate = ({ dtype }: Tensor) => (dtype === 'uint8' ? Promise.resolve() : gate);
  return { network, letGo };
}

test('a full queue is 503 at once, with Retry-After; accepted requests are answered', async () => {
  const { network, letGo } = held();
  const { url } = await serve({ maxBatchSize: 1, maxQueueSize: 2 }, network);
  const before = network.batches.length;
  const running = infer(url, { inputs: [input] });
  await until(() => network.batches.length > before);
  const waiting = [infer(url, { inputs: [input] }), infer(url, { inputs: [input] })];
  await until(async () => (await pending(url)) === 2);
  const begun = performance.now();
  const refused = await infer(url, { inputs: [input] });
  expect(performance.now() - begun).toBeLessThan(500);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(await answer(refused)).toEqual([503, { error: expect.any(String), code: 'ERR_QUEUE_FULL' }]);
  letGo();
  expect((await Promise.all([running, ...waiting])).map(({ status }) => status)).toEqual([200, 200, 200]);
});

test.each<[string, object, Record<string, string>]>([
  ['the request', { parameters: { timeout: 60_000 } }, {}],
  ['the header', {}, { 'x-request-timeout-ms': '60' }],
  ['the sooner one', { parameters: { timeout: 60_000_000 } }, { 'x-request-timeout-ms': '60' }],
])('a deadline of %s is 504', async (_, body, headers) => {
  const { network, letGo } = held();
  const { url } = await serve({}, network);
  const begun = performance.now();
  expect(await answer(await infer(url, { inputs: [input], ...body }, headers))).toEqual([
    504,
    { error: expect.stringMatching(/60 ms/), code: 'ERR_TIMEOUT' },
  ]);
  expect(performance.now() - begun).toBeGreaterThan(55);
  letGo();
});

test("the server's own deadline, and a malformed one", async () => {
  const { network, letGo } = held();
  const { url } = await serve({ timeoutMs: 50 }, network);
  expect((await infer(url, { inputs: [input] })).status).toBe(504);
  expect((await infer(url, { inputs: [input] }, { 'x-request-timeout-ms': 'soon' })).status).toBe(400);
  letGo();
});

test('a client that disconnects frees its place', async () => {
  const { network, letGo } = held();
  const { url } = await serve({ maxBatchSize: 1, maxQueueSize: 1 }, network);
  const before = network.batches.length;
  const running = infer(url, { inputs: [input] });
  await until(() => network.batches.length > before);
  const controller = new AbortController();
  const leaving = fetch(`${url}/v2/models/fake/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs: [input] }),
    signal: controller.signal,
  });
  await until(async () => (await pending(url)) === 1);
  expect((await infer(url, { inputs: [input] })).status).toBe(503);
  controller.abort();
  await expect(leaving).rejects.toThrow();
  await until(async () => (await pending(url)) === 0);
  const next = infer(url, { inputs: [input] });
  await until(async () => (await pending(url)) === 1);
  letGo();
  expect([(await running).status, (await next).status]).toEqual([200, 200]);
  expect(network.batches).toHaveLength(2); // the canceled one never ran
});

test('a failing network is 500 without its message, and the server goes on', async () => {
  const network = new FakeNetwork();
  const { url } = await serve({}, network);
  network.gate = () => Promise.reject(new Error('secret of /home/me/net.safetensors'));
  expect(await answer(await infer(url, { inputs: [input] }))).toEqual([
    500,
    { error: 'The server failed; its log tells how.', code: 'ERR_INTERNAL' },
  ]);
  network.gate = () => Promise.resolve();
  expect((await infer(url, { inputs: [input] })).status).toBe(200);
});

test('without an API key 401 everywhere but for health checks', async () => {
  const apiKeys = ['first-key', 'second-key'];
  const { url } = await serve({ apiKeys });
  for (const headers of [
    {},
    { 'x-api-key': 'first-ke' },
    { authorization: 'Bearer other-key' },
    { authorization: 'first-key' },
  ]) {
    const refused = await infer(url, { inputs: [input] }, headers as Record<string, string>);
    expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    expect(await answer(refused)).toEqual([401, { error: expect.any(String), code: 'ERR_API_KEY' }]);
  }
  expect((await infer(url, { inputs: [input] }, { 'x-api-key': 'first-key' })).status).toBe(200);
  expect((await infer(url, { inputs: [input] }, { authorization: 'Bearer second-key' })).status).toBe(200);
  for (const path of ['/v2', '/v2/models/fake', '/metrics']) expect((await fetch(url + path)).status).toBe(401);
  for (const path of ['/v2/health/live', '/v2/health/ready']) expect((await fetch(url + path)).status).toBe(200);
});

test('the rate limit of each key is 429 with Retry-After', async () => {
  const { url } = await serve({ apiKeys: ['first-key', 'second-key'], requestsPerSecond: 2 });
  const ask = (key: string): Promise<Response> => infer(url, { inputs: [input] }, { 'x-api-key': key });
  const statuses = [];
  for (let i = 0; i < 4; i++) statuses.push((await ask('first-key')).status);
  expect(statuses.slice(0, 2)).toEqual([200, 200]);
  const refused = await ask('first-key');
  expect(statuses.includes(429) || refused.status === 429).toBe(true);
  expect((await ask('second-key')).status).toBe(200);
  await turn(1100);
  expect((await ask('first-key')).status).toBe(200);
});

/** The response to raw bytes. */
function raw(url: string, text: string): Promise<string> {
  const { port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(text));
    let all = '';
    socket.on('data', (data) => (all += String(data)));
    socket.on('close', () => resolve(all));
    socket.on('error', () => undefined);
  });
}

test('too large headers, bytes that are not HTTP, and a client that sends too slowly', async () => {
  const { url } = await serve({ maxHeaderBytes: 2048, receiveMs: 500 });
  expect(await raw(url, `GET /v2 HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(4000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1.1 431 .*ERR_REQUEST/s,
  );
  expect(await raw(url, 'hello\r\n\r\n')).toMatch(/^HTTP\/1.1 400 .*"code":"ERR_REQUEST"/s);
  const begun = performance.now();
  expect(
    await raw(url, 'POST /classify HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\nContent-Length: 9\r\n\r\nx'),
  ).toMatch(/^HTTP\/1.1 408 /);
  expect(performance.now() - begun).toBeLessThan(10_000);
});

test('errors of Node itself have a body too', async () => {
  const { url } = await serve();
  const end = 'Connection: close\r\n\r\n';
  expect(await raw(url, `GET /v2 HTTP/1.1\r\n${end}`)).toMatch(/^HTTP\/1.1 400 .*Host.*"code":"ERR_REQUEST"/s);
  expect(await raw(url, `GET /v2 HTTP/1.0\r\n${end}`)).toMatch(/^HTTP\/1.1 200 /);
  expect(await raw(url, `GET /v2 HTTP/1.1\r\nHost: a\r\nExpect: foo\r\n${end}`)).toMatch(
    /^HTTP\/1.1 417 .*"code":"ERR_REQUEST"/s,
  );
});

test('unknown and malformed paths have the same form of error', async () => {
  const { url } = await serve();
  expect(await answer(await fetch(`${url}/v2/models/${'m'.repeat(101)}/ready`))).toEqual([
    404,
    { error: expect.any(String), code: 'ERR_NOT_FOUND' },
  ]);
  expect(await answer(await fetch(`${url}/%zz`))).toEqual([400, { error: expect.any(String), code: 'ERR_REQUEST' }]);
  expect(await answer(await fetch(`${url}/classify`))).toEqual([405, expect.objectContaining({ code: 'ERR_REQUEST' })]);
});

test('a method that no route has gets the same form of error', async () => {
  const { url } = await serve();
  const answer = await fetch(`${url}/v2`, { method: 'QUERY' });
  expect(answer.status).toBe(405);
  expect(await answer.json()).toEqual({ error: expect.any(String), code: 'ERR_REQUEST' });
});
