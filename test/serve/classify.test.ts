import { readFileSync } from 'node:fs';
import type { NativeExplained } from '../../lib/native/addon';
import { claimedPng, fixture } from '../image/pictures';
import { FakeNetwork, serve, type Served } from './support';
import { Tensor } from '../../lib/tensor';

let served: Served;
beforeAll(async () => (served = await serve({ maxPixels: 1_000_000, maxBodyBytes: 2 ** 21 })));

const [small, landscape] = ['small.png', 'landscape.jpg'].map((name) => readFileSync(fixture(name))) as [
  Buffer,
  Buffer,
];
const post = async (
  path: string,
  body: string | FormData | Uint8Array<ArrayBuffer> | Buffer,
  type?: string,
): Promise<[number, any]> => {
  const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
  const response = await fetch(served.url + path, { method: 'POST', body, headers });
  return [response.status, await response.json()];
};
const form = (...pictures: [string, Uint8Array<ArrayBuffer>][]): FormData => {
  const data = new FormData();
  data.append('note', 'no file');
  for (const [name, bytes] of pictures) data.append('picture', new Blob([bytes], { type: 'image/png' }), name);
  return data;
};
const bytes = (buffer: Buffer): Uint8Array<ArrayBuffer> => new Uint8Array(buffer);

test('a picture as the body: labels and scores, best first, and times', async () => {
  const [status, answer] = await post('/classify?top=2', small, 'image/png');
  expect([status, answer]).toEqual([
    200,
    {
      model: 'fake',
      results: [{ name: 'image', predictions: [expect.anything(), expect.anything()] }],
      times: { decodeMs: expect.any(Number), queueMs: expect.any(Number), inferMs: expect.any(Number) },
    },
  ]);
  const [{ predictions }] = answer.results;
  expect(predictions[0]).toEqual({ label: 'sum', index: 2, score: expect.any(Number) });
  expect(predictions[0].score).toBeGreaterThanOrEqual(predictions[1].score);
  expect((await post('/classify', small, 'application/octet-stream'))[1].results[0].predictions).toHaveLength(4);
});

test('several pictures as a form, in their order, with their names', async () => {
  const [, { results: alone }] = await post('/classify', landscape, 'image/jpeg');
  const [status, { results }] = await post('/classify', form(['a.png', bytes(small)], ['b.jpg', bytes(landscape)]));
  expect(status).toBe(200);
  expect(results.map(({ name }: any) => name)).toEqual(['a.png', 'b.jpg']);
  expect(results[1].predictions).toEqual(alone[0].predictions);
});

test('base64 in JSON: one picture or several', async () => {
  const [one, two] = [small, landscape].map((picture) => picture.toString('base64'));
  const [, single] = await post('/classify', JSON.stringify({ image: one, top: 1 }), 'application/json');
  expect(single.results).toEqual([{ name: 'image', predictions: [expect.objectContaining({ label: 'sum' })] }]);
  const [, both] = await post('/classify', JSON.stringify({ images: [one, two] }), 'application/json; charset=utf-8');
  expect(both.results.map(({ name }: any) => name)).toEqual(['images[0]', 'images[1]']);
});

test('base64 with line breaks, URL-safe, without padding, or in a data: URL', async () => {
  const base64 = small.toString('base64');
  const lines = base64.replace(/.{76}/g, '$&\r\n');
  const [, expected] = await post('/classify', JSON.stringify({ image: base64 }), 'application/json');
  for (const image of [
    lines,
    `\n ${lines}\t\n`,
    small.toString('base64url'),
    base64.replaceAll('=', ''),
    `data:image/png;base64,${base64}`,
    `DATA:;charset=utf-8;BASE64,${lines}`,
    `data:image/png;base64,${encodeURIComponent(base64)}`,
  ]) {
    for (const body of [{ image }, { images: [image], image: null, top: null, model: null }]) {
      const [status, answer] = await post('/classify', JSON.stringify(body), 'application/json');
      expect([status, answer.results?.[0].predictions]).toEqual([200, expected.results[0].predictions]);
    }
  }
});

test.each([
  fixture('small.png'),
  'small.png',
  '../small.png',
  `file://${fixture('small.png')}`,
  'http://127.0.0.1:1/a.png',
  'https://example.org/a.png',
  'ftp://example.org/a.png',
  '\\\\host\\share\\a.png',
  '-',
  'data:image/png,%89PNG',
  'data:image/png;base64',
  'data:image/png;base64,',
  'data:image/png;base64,%zz',
  'data:image/svg+xml;utf8,<svg/>',
  'AAAAA',
  'A===',
  'AA=A',
  'é',
])('%j in a body is 400: nothing is opened for a client', async (image) => {
  for (const path of ['/classify', '/features', '/explain']) {
    const [status, { code, error }] = await post(path, JSON.stringify({ image }), 'application/json');
    // Without a dot or a colon, a path is base64 of no picture.
    expect([status, code]).toEqual([400, expect.stringMatching(/^ERR_(REQUEST|IMAGE)$/)]);
    expect(error).toMatch(/opens no paths and no other URLs|which is none/);
  }
  const input = { name: 'image', datatype: 'BYTES', shape: [1], data: [image] };
  const [status] = await post('/v2/models/fake/infer', JSON.stringify({ inputs: [input] }), 'application/json');
  expect(status).toBe(400);
});

test('a path or a URL as the body itself is no picture', async () => {
  for (const body of [fixture('small.png'), 'http://127.0.0.1:1/a.png', 'data:image/png;base64,AAAA']) {
    const [status, { code }] = await post('/classify', body, 'image/png');
    expect([status, code]).toEqual([400, 'ERR_IMAGE']);
  }
});

test('a message holds no more than a line of the body', async () => {
  const image = `data:image/png,${'x'.repeat(2 ** 20)}`;
  const [status, { error }] = await post('/classify', JSON.stringify({ image }), 'application/json');
  expect([status, error.length < 300]).toEqual([400, true]);
});

test('features', async () => {
  const [status, { results }] = await post('/features', small, 'image/png');
  expect([status, results[0].features]).toEqual([200, expect.arrayContaining([-0.5])]);
});

test.each<
  [string, string, string | FormData | Uint8Array<ArrayBuffer> | Buffer, string | undefined, number, string, RegExp]
>([
  ['no picture', '/classify', 'text', 'image/png', 400, 'ERR_IMAGE', /which is none/],
  [
    'a picture cut short',
    '/classify',
    bytes(small.subarray(0, 500)),
    'image/png',
    400,
    'ERR_IMAGE',
    /cannot be decoded/,
  ],
  [
    'a decompression bomb',
    '/classify',
    bytes(claimedPng(60000, 60000)),
    'image/png',
    400,
    'ERR_IMAGE',
    /1000000 pixels/,
  ],
  ['an empty body', '/classify', '', 'image/png', 400, 'ERR_IMAGE', /empty/],
  ['another type', '/classify', 'a=b', 'application/x-www-form-urlencoded', 415, 'ERR_MEDIA_TYPE', /image\/\*/],
  ['no JSON', '/classify', '{', 'application/json', 400, 'ERR_REQUEST', /JSON/],
  ['no picture in it', '/classify', '{}', 'application/json', 400, 'ERR_REQUEST', /image or images/],
  ['no base64', '/classify', '{"image":"?"}', 'application/json', 400, 'ERR_REQUEST', /base64/],
  [
    'too many',
    '/classify',
    `{"images":${JSON.stringify(Array(33).fill('AAAA'))}}`,
    'application/json',
    413,
    'ERR_TOO_LARGE',
    /32/,
  ],
  [
    'a form without an end',
    '/classify',
    '--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\nxx',
    'multipart/form-data; boundary=x',
    400,
    'ERR_REQUEST',
    /multipart/,
  ],
  ['a form without a boundary', '/classify', 'x', 'multipart/form-data', 400, 'ERR_REQUEST', /boundary/],
  ['a form of no file', '/classify', form(), undefined, 400, 'ERR_REQUEST', /at least one file/],
  [
    'too large a form',
    '/classify',
    form(...Array.from({ length: 33 }, (): [string, Uint8Array<ArrayBuffer>] => ['x', bytes(small)])),
    undefined,
    413,
    'ERR_TOO_LARGE',
    /32/,
  ],
  ['top 0', '/classify?top=0', bytes(small), 'image/png', 400, 'ERR_REQUEST', /top/],
  ['top of more than there are', '/classify?top=5', bytes(small), 'image/png', 400, 'ERR_REQUEST', /1 to 4/],
  ['another model', '/classify?model=x', bytes(small), 'image/png', 404, 'ERR_NOT_FOUND', /served here: fake/],
  ['too large a body', '/classify', new Uint8Array(2 ** 21 + 1), 'image/png', 413, 'ERR_TOO_LARGE', /large/],
])('%s is rejected', async (_, path, body, type, status, code, message) => {
  expect(await post(path, body, type)).toEqual([status, { error: expect.stringMatching(message), code }]);
});

test('the sender of a body that is too large receives the 413', async () => {
  const statuses = await Promise.all(
    Array.from({ length: 12 }, async () => (await post('/classify', new Uint8Array(2 ** 24), 'image/png'))[0]),
  );
  expect(statuses).toEqual(Array(12).fill(413));
  // Usually the response arrives even if the server closes the connection early, so check that it does not close it.
  const init = { method: 'POST', body: new Uint8Array(2 ** 24), headers: { 'content-type': 'image/png' } };
  expect((await fetch(`${served.url}/classify`, init)).headers.get('connection')).not.toBe('close');
});

test('a bad picture of a form fails its own request only', async () => {
  const [bad, good] = await Promise.all([
    post('/classify', form(['good.png', bytes(small)], ['bad.png', bytes(small.subarray(0, 99))])),
    post('/classify', small, 'image/png'),
  ]);
  expect(bad).toEqual([400, { error: expect.stringMatching(/^bad\.png /), code: 'ERR_IMAGE' }]);
  expect(good[0]).toBe(200);
});

test.each(['/classify', '/features', '/explain'])('%s: an answer that is not finite is an error', async (path) => {
  class BrokenNetwork extends FakeNetwork {
    override async forward(x: Tensor): Promise<Tensor> {
      const { data, shape } = await super.forward(x);
      return new Tensor((data as Float32Array).fill(NaN, 1, 2), shape);
    }
    override async explain(x: Tensor, index?: number): Promise<NativeExplained> {
      const { maps, ...explained } = await super.explain(x, index);
      return { ...explained, maps: new Tensor((maps.data as Float32Array).fill(Infinity), maps.shape) };
    }
  }
  const { url } = await serve({}, new BrokenNetwork());
  const headers = { 'content-type': 'image/png' };
  const response = await fetch(url + path, { method: 'POST', body: bytes(small), headers });
  expect([response.status, await response.json()]).toEqual([
    500,
    { error: expect.stringMatching(/^image must lead to finite values/), code: 'ERR_NOT_FINITE' },
  ]);
});

test('scores follow the activation of the model', async () => {
  const { url } = await serve({}, new FakeNetwork(), { activation: 'sigmoid' });
  const headers = { 'content-type': 'image/png' };
  const response = await fetch(`${url}/classify`, { method: 'POST', body: bytes(small), headers });
  const { results } = (await response.json()) as { results: { predictions: { label: string; score: number }[] }[] };
  const half = results[0]!.predictions.find(({ label }) => label.startsWith('half'))!;
  expect(half.score).toBeCloseTo(1 / (1 + Math.exp(-0.5)), 6);
});
