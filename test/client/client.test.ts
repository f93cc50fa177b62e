import { readFileSync } from 'node:fs';
import { createServer as httpServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ResNetClient } from '../../lib/client';
import { backOff } from '../../lib/client/retry';
import { Tensor } from '../../lib/tensor';
import { fixture } from '../image/pictures';
import { answerOf, serve, type Served } from '../serve/support';

const [small, landscape] = ['small.png', 'landscape.jpg'].map((name) => readFileSync(fixture(name))) as [
  Buffer,
  Buffer,
];
let served: Served;
let client: ResNetClient;
beforeAll(async () => {
  served = await serve({ apiKeys: ['a-long-key'] });
  client = new ResNetClient(`${served.url}/`, { apiKey: 'a-long-key', model: 'fake' });
});

const servers: Server[] = [];
afterAll(() => servers.forEach((server) => server.close()));
async function other(listener: RequestListener): Promise<string> {
  const server = httpServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('classify: one picture, a list, an empty list, a Blob', async () => {
  const one = await client.classify(small, { topK: 2 });
  expect(one).toEqual([{ label: 'sum', index: 2, score: expect.any(Number) }, expect.anything()]);
  const all = await client.classify([landscape, new Blob([new Uint8Array(small)])]);
  expect(all).toHaveLength(2);
  expect(all[1]!.slice(0, 2)).toEqual(one);
  expect(await client.classify([])).toEqual([]);
});

test("features and infer: the network's values", async () => {
  const features = await client.features([small, landscape]);
  expect([features.dtype, features.shape]).toEqual(['float32', [2, 4]]);
  const floats = Float32Array.from({ length: 24 }, (_, i) => i / 8);
  const logits = await client.infer(new Tensor(floats, [2, 3, 2, 2]));
  expect([logits.shape, [...logits.toFloat32()]]).toEqual([
    [2, 4],
    [...answerOf(floats.subarray(0, 12)), ...answerOf(floats.subarray(12))],
  ]);
  const pixels = Uint8Array.from({ length: 12 }, (_, i) => i);
  expect([...(await client.infer(new Tensor(pixels, [1, 2, 2, 3]))).toFloat32()]).toEqual(answerOf(pixels));
  expect(await client.ready()).toBe(true);
});

test("the server's errors keep their codes", async () => {
  await expect(client.classify(Buffer.from('none'))).rejects.toMatchObject({ name: 'ResNetError', code: 'ERR_IMAGE' });
  await expect(client.classify(small, { topK: 9 })).rejects.toMatchObject({ code: 'ERR_REQUEST' });
  await expect(new ResNetClient(served.url).classify(small)).rejects.toMatchObject({ code: 'ERR_API_KEY' });
  const lost = new ResNetClient(served.url, { apiKey: 'a-long-key', model: 'lost' });
  await expect(lost.classify(small)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
  await expect(lost.infer(new Tensor(new Float32Array(3), [1, 3, 1, 1]))).rejects.toMatchObject({
    code: 'ERR_NOT_FOUND',
  });
});

test('a deadline', async () => {
  served.network.gate = () => new Promise((resolve) => setTimeout(resolve, 200));
  await expect(client.classify(small, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
  served.network.gate = () => Promise.resolve();
});

test('503 is retried after a delay, at most `retries` times; other errors are not', async () => {
  const seen: number[] = [];
  let rejections = 2;
  const url = await other((request: IncomingMessage, response) => {
    request.resume().on('end', () => {
      seen.push(performance.now());
      if (rejections-- > 0) {
        response.writeHead(503).end('{"error":"full","code":"ERR_QUEUE_FULL"}');
      } else response.end('{"results":[{"predictions":[]}]}');
    });
  });
  expect(await new ResNetClient(url).classify(small)).toEqual([]);
  expect(seen).toHaveLength(3);
  expect(seen[1]! - seen[0]!).toBeGreaterThan(95);
  expect(seen[2]! - seen[1]!).toBeGreaterThan(195);
  rejections = 2;
  await expect(new ResNetClient(url, { retries: 1 }).classify(small)).rejects.toMatchObject({ code: 'ERR_QUEUE_FULL' });
  expect(seen).toHaveLength(5);
  let others = 0;
  const bad = await other((request, response) => {
    others++;
    request.resume();
    response.writeHead(500).end('<html>');
  });
  await expect(new ResNetClient(bad).classify(small)).rejects.toMatchObject({
    code: 'ERR_SERVER',
    message: expect.stringMatching(/500.*<html>/),
  });
  expect(others).toBe(1);
});

test('a response that is cut off, or not of our API, is ERR_SERVER', async () => {
  const page = await other((request, response) => {
    request.resume();
    response.end('<html>');
  });
  const json = await other((request, response) => {
    request.resume();
    response.end('{"answer":42}');
  });
  const cut = await other((request, response) => {
    request.resume();
    response.writeHead(200, { 'Content-Length': 100 });
    response.write('{"results":[', () => setTimeout(() => response.destroy(), 20));
  });
  const x = new Tensor(new Float32Array(3), [1, 3, 1, 1]);
  for (const url of [page, json, cut]) {
    const strange = new ResNetClient(url, { model: 'fake' });
    for (const ask of ['classify', 'features', 'infer'] as const) {
      const asked = ask === 'infer' ? strange.infer(x) : strange[ask](small);
      await expect(asked).rejects.toMatchObject({
        code: 'ERR_SERVER',
        message: expect.stringMatching(/cannot be read/),
      });
    }
  }
});

test.each<[string, 'classify' | 'features', string, RegExp]>([
  ['fewer results than pictures', 'classify', '{"results":[]}', /a result for each of 1 pictures/],
  ['more', 'classify', '{"results":[{"predictions":[]},{"predictions":[]}]}', /a result for each of 1 pictures/],
  ['no list', 'classify', '{"results":[{"predictions":7}]}', /predictions must be a list/],
  [
    'no score',
    'classify',
    '{"results":[{"predictions":[{"label":"a","index":0,"score":null}]}]}',
    /predictions must be a list of { label, index, score }/,
  ],
  ['no numbers', 'features', '{"results":[{"features":[1,null]}]}', /features must be lists of numbers/],
  ['none', 'features', '{"results":[{"features":[]}]}', /features must be lists of numbers/],
])('an answer with %s (%s) is ERR_SERVER', async (_, ask, text, message) => {
  const url = await other((request, response) => {
    request.resume();
    response.end(text);
  });
  await expect(new ResNetClient(url)[ask](small)).rejects.toMatchObject({
    code: 'ERR_SERVER',
    message: expect.stringMatching(message),
  });
});

test.each<[string, object, number, RegExp]>([
  ['another dtype', { datatype: 'BYTES', shape: [1, 3] }, 12, /must be FP32 of 1 rows/],
  ['other rows', { datatype: 'FP32', shape: [3, 1] }, 12, /must be FP32 of 1 rows/],
  ['fewer bytes', { datatype: 'FP32', shape: [1, 3] }, 8, /as many bytes as its shape says/],
  ['no output', {}, 12, /must be FP32 of 1 rows/],
])('logits of %s are ERR_SERVER', async (_, output, bytes, message) => {
  const url = await other((request, response) => {
    request.resume();
    const json = JSON.stringify({ outputs: [output] });
    response.setHeader('Inference-Header-Content-Length', json.length);
    response.end(Buffer.concat([Buffer.from(json), Buffer.alloc(bytes)]));
  });
  const x = new Tensor(new Float32Array(3), [1, 3, 1, 1]);
  await expect(new ResNetClient(url, { model: 'fake' }).infer(x)).rejects.toMatchObject({
    code: 'ERR_SERVER',
    message: expect.stringMatching(message),
  });
});

test('the delay between attempts: exponential, at least Retry-After, with jitter, bounded', () => {
  expect([1, 2, 3].map((tried) => backOff(tried, null, 0))).toEqual([100, 200, 400]);
  expect(backOff(1, '2', 0)).toBe(2000);
  expect(backOff(1, '2', 1)).toBe(3000);
  expect([backOff(20, null, 1), backOff(1, '9999', 1)]).toEqual([30_000, 30_000]);
  expect(backOff(1, 'Wed, 21 Oct 2026 07:28:00 GMT', 0)).toBe(100);
});

test('an aborted signal rejects with its reason: before, during, and between two attempts', async () => {
  const reason = new Error('enough');
  await expect(client.classify(small, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const url = await other((request, response) => {
    request.resume();
    response.writeHead(503, { 'Retry-After': '20' }).end();
  });
  const controller = new AbortController();
  const asked = new ResNetClient(url).classify(small, { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 100);
  await expect(asked).rejects.toBe(reason);
});

test('no server', async () => {
  const gone = new ResNetClient('http://127.0.0.1:9');
  await expect(gone.classify(small)).rejects.toMatchObject({
    code: 'ERR_SERVER',
    message: expect.stringMatching(/127\.0\.0\.1:9/),
  });
  expect(await gone.ready()).toBe(false);
});

test.each<[string, () => unknown, RegExp]>([
  ['no address', () => new ResNetClient('localhost:8000'), /^url must be/],
  ['bad retries', () => new ResNetClient('http://a', { retries: -1 }), /^retries/],
  ['a path', () => client.classify('cat.jpg' as any), /^picture must be a picture's bytes/],
  ['a path in a list', () => client.classify([small, 'cat.jpg'] as any), /^image\[1\]/],
  ['a bad timeout', () => client.classify(small, { timeoutMs: 0 }), /^timeoutMs/],
  ['no tensor', () => client.infer([1] as any), /^x must be a Tensor/],
  ['no model', () => new ResNetClient('http://a').infer(new Tensor(new Float32Array(3), [1, 3, 1, 1])), /^model/],
])('%s is rejected', async (_, call, message) => {
  await expect(Promise.resolve().then(call)).rejects.toMatchObject({
    name: 'ResNetError',
    message: expect.stringMatching(message),
  });
});
