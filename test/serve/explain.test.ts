import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { fixture } from '../image/pictures';
import { serve, type Served } from './support';

let served: Served;
beforeAll(async () => (served = await serve({ maxPixels: 1_000_000, timeoutMs: 300_000 })));

const small = new Uint8Array(readFileSync(fixture('small.png')));
const explain = (query = '', body: Uint8Array<ArrayBuffer> | FormData = small): Promise<Response> =>
  fetch(`${served.url}/explain${query}`, {
    method: 'POST',
    body,
    headers: body instanceof FormData ? {} : { 'content-type': 'image/png' },
  });

test('a picture in, a PNG out, with its caption in headers', async () => {
  const response = await explain();
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png']);
  expect(response.headers.get('x-class-index')).toBe('2');
  expect(response.headers.get('x-class-label')).toBe('sum');
  expect(Number(response.headers.get('x-class-score'))).toBeCloseTo(0.627, 2); // softmax of 1, 2, 3 and 0.5
  const { format, width, height } = await sharp(Buffer.from(await response.arrayBuffer())).metadata();
  expect(format).toBe('png');
  expect(Math.min(width, height)).toBeGreaterThan(100);
});

test('another class; the label is percent-encoded', async () => {
  const response = await explain('?class=3');
  expect(response.headers.get('x-class-index')).toBe('3');
  expect(response.headers.get('x-class-label')).toBe('half%3A%20constant');
});

test.each([
  ['?class=4', 400, /^class must be an integer from 0 to 3/],
  ['?class=', 400, /^class must be an integer/],
  ['?model=other', 404, /no such model/],
])('%s is rejected', async (query, status, message) => {
  const response = await explain(query);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ error: expect.stringMatching(message) });
});

test('two pictures, and a body that is not a picture, are rejected', async () => {
  const two = new FormData();
  for (const name of ['a', 'b']) two.append(name, new Blob([small]), name);
  expect([(await explain('', new Uint8Array(3))).status, (await explain('', two)).status]).toEqual([400, 400]);
});

test('takes a place in the queue and frees it afterward', async () => {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  served.network.gate = () => gate;
  const running = Array.from({ length: 40 }, () => explain());
  const first = await Promise.race(running);
  expect(first.status).toBe(503);
  open();
  const statuses = (await Promise.all(running)).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200, 503]));
  served.network.gate = () => Promise.resolve();
  expect((await explain()).status).toBe(200);
});
