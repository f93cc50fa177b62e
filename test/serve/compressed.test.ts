import { readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { createGzip, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { fixture } from '../image/pictures';
import { until } from '../support/until';
import { FakeNetwork, serve, type Served } from './support';

const LIMIT = 2 ** 20;
let served: Served;
beforeAll(async () => (served = await serve({ maxBodyBytes: LIMIT })));

const small = readFileSync(fixture('small.png'));
const input = { name: 'input', shape: [1, 3, 1, 1], datatype: 'FP32' };

interface Sent {
  body: Buffer;
  headers: Record<string, string>;
  path?: string;
}

async function post({ body, headers, path = '/classify' }: Sent): Promise<[number, any]> {
  const response = await fetch(served.url + path, { method: 'POST', body: new Uint8Array(body), headers });
  return [response.status, { ...((await response.json()) as any), times: undefined }];
}

const form = Buffer.concat([
  Buffer.from('--b\r\nContent-Disposition: form-data; name="picture"; filename="a.png"\r\n\r\n'),
  small,
  Buffer.from('\r\n--b--\r\n'),
]);
const head = JSON.stringify({ inputs: [{ ...input, parameters: { binary_data_size: 12 } }] });
const binary = Buffer.concat([Buffer.from(head), new Uint8Array(Float32Array.of(1, 2, 3).buffer)]);

const BODIES: readonly [string, Sent][] = [
  ['a picture', { body: small, headers: { 'content-type': 'image/png' } }],
  ['a form', { body: form, headers: { 'content-type': 'multipart/form-data; boundary=b' } }],
  [
    'JSON',
    {
      body: Buffer.from(JSON.stringify({ image: small.toString('base64') })),
      headers: { 'content-type': 'application/json' },
    },
  ],
  [
    'a binary tensor',
    {
      body: binary,
      headers: { 'inference-header-content-length': String(head.length) },
      path: '/v2/models/fake/infer',
    },
  ],
];

describe.each(BODIES)('%s', (_, sent) => {
  test.each([
    ['gzip', gzipSync],
    ['GZIP', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
  ])('compressed as %s gets the same answer', async (encoding, compress) => {
    const headers = { ...sent.headers, 'content-encoding': encoding };
    const plain = await post(sent);
    expect(plain[0]).toBe(200);
    expect(await post({ ...sent, body: compress(sent.body), headers })).toEqual(plain);
  });
});

const picture = (body: Buffer, encoding: string): Promise<[number, any]> =>
  post({ body, headers: { 'content-type': 'image/png', 'content-encoding': encoding } });

test('a gzip file of several members', async () => {
  const parts = [small.subarray(0, 100), small.subarray(100)];
  expect((await picture(Buffer.concat(parts.map((part) => gzipSync(part))), 'gzip'))[0]).toBe(200);
});

test.each(['br', 'zstd', 'compress', 'gzip, gzip', 'deflate, gzip', 'gzip, identity', 'constructor', ''])(
  'Content-Encoding: %j is 415',
  async (encoding) => {
    const headers = { 'content-type': 'image/png', 'content-encoding': encoding };
    const body = new Uint8Array(gzipSync(small));
    const response = await fetch(`${served.url}/classify`, { method: 'POST', body, headers });
    expect([response.status, response.headers.get('accept-encoding')]).toEqual([415, 'gzip, deflate']);
    expect(await response.json()).toEqual({ error: expect.stringMatching(/gzip or deflate/), code: 'ERR_MEDIA_TYPE' });
  },
);

const packed = gzipSync(small);
const flipped = Buffer.from(packed);
flipped[flipped.length >> 1]! ^= 255;
test.each<[string, Buffer, string]>([
  ['not compressed', small, 'gzip'],
  ['changed', flipped, 'gzip'],
  ['with a wrong checksum', Buffer.concat([packed.subarray(0, -8), Buffer.alloc(8)]), 'gzip'],
  ['cut short', packed.subarray(0, -1), 'gzip'],
  ['cut in its header', packed.subarray(0, 5), 'gzip'],
  ['followed by other bytes', Buffer.concat([packed, Buffer.from('more')]), 'gzip'],
  ['followed by zeros', Buffer.concat([packed, Buffer.alloc(4)]), 'gzip'],
  ['followed by a broken member', Buffer.concat([packed, packed.subarray(0, 12)]), 'gzip'],
  ['followed by other bytes', Buffer.concat([deflateSync(small), Buffer.from('more')]), 'deflate'],
  ['cut short', deflateSync(small).subarray(0, -1), 'deflate'],
  ['of the other encoding', packed, 'deflate'],
  ['without the header of zlib', deflateRawSync(small), 'deflate'],
])('compressed data %s is 400', async (_, body, encoding) => {
  expect(await picture(body, encoding)).toEqual([
    400,
    { error: expect.stringMatching(/compressed data/), code: 'ERR_REQUEST' },
  ]);
});

/** Sends a request in pieces, which it need not end; its response. */
function stream(
  headers: Record<string, string>,
  pieces: Iterable<Buffer>,
  url = served.url,
): Promise<{ response: IncomingMessage; sent: number }> {
  return new Promise((resolve, reject) => {
    const sending = request(`${url}/classify`, {
      method: 'POST',
      headers: { 'content-type': 'image/png', ...headers },
    });
    let sent = 0;
    const iterator = pieces[Symbol.iterator]();
    const write = (): void => {
      const next = iterator.next();
      if (next.done === true || sending.destroyed) return;
      sent += next.value.length;
      sending.write(next.value, () => setTimeout(write, 2));
    };
    sending.on('error', reject).on('response', (response) => {
      resolve({ response: response.resume(), sent });
      setTimeout(() => sending.destroy(), 20);
    });
    sending.flushHeaders();
    write();
  });
}

test('bytes that come after the compressed data, later', async () => {
  const { response } = await stream({ 'content-encoding': 'deflate' }, [deflateSync(small), Buffer.from('more')]);
  expect(response.statusCode).toBe(400);
});

test('the limit is that of the unpacked bytes, to the byte', async () => {
  for (const [encoding, compress] of [['gzip', gzipSync] as const, ['deflate', deflateSync] as const]) {
    expect((await picture(compress(Buffer.alloc(LIMIT)), encoding))[1].code).toBe('ERR_IMAGE');
    const [status, { code }] = await picture(compress(Buffer.alloc(LIMIT + 1)), encoding);
    expect([status, code]).toEqual([413, 'ERR_TOO_LARGE']);
  }
});

/** 16 KB of this unpack to 16 MB. */
async function bomb(bytes: number): Promise<Buffer> {
  const gzip = createGzip({ level: 9 });
  const chunks: Buffer[] = [];
  gzip.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise((resolve) => gzip.on('end', resolve));
  const zeros = Buffer.alloc(2 ** 20);
  for (let left = bytes; left > 0; left -= zeros.length) {
    if (!gzip.write(zeros)) await new Promise((resolve) => gzip.once('drain', resolve));
  }
  gzip.end();
  await ended;
  return Buffer.concat(chunks);
}

test('a zip bomb is 413 before all of it has come, and costs no memory beyond the limit', async () => {
  const body = await bomb(2 ** 28);
  expect(body.length).toBeLessThan(LIMIT / 2);
  const pieces = Array.from({ length: Math.ceil(body.length / 8192) }, (_, i) =>
    body.subarray(8192 * i, 8192 * (i + 1)),
  );
  const { response, sent } = await stream({ 'content-encoding': 'gzip' }, pieces);
  expect(response.statusCode).toBe(413);
  expect(sent).toBeLessThan(body.length / 2);

  const memory = (): number => process.memoryUsage().arrayBuffers;
  const before = memory();
  let largest = before;
  const watching = setInterval(() => (largest = Math.max(largest, memory())), 1);
  const statuses = await Promise.all(Array.from({ length: 8 }, async () => (await picture(body, 'gzip'))[0]));
  clearInterval(watching);
  expect(statuses).toEqual(Array(8).fill(413));
  expect(largest - before).toBeLessThan(8 * (LIMIT + 2 * body.length) + 2 ** 24); // the client's copies included
});

test('the sender of a long broken body receives the 400', async () => {
  const body = Buffer.concat([Buffer.from('broken'), Buffer.alloc(LIMIT - 100)]);
  const statuses = await Promise.all(Array.from({ length: 12 }, async () => (await picture(body, 'gzip'))[0]));
  expect(statuses).toEqual(Array(12).fill(400));
});

test('the key and the room in the queue are checked before the body is read', async () => {
  const network = new FakeNetwork();
  const { url } = await serve({ apiKeys: ['a-long-key'], maxBatchSize: 1, maxQueueSize: 1 }, network);
  const headers = { 'content-encoding': 'gzip', 'content-length': '1000' };
  expect((await stream(headers, [], url)).response.statusCode).toBe(401);
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  network.gate = () => gate;
  const key = { 'x-api-key': 'a-long-key' };
  const send = (): Promise<Response> => {
    const init = { method: 'POST', body: new Uint8Array(packed), headers: { ...key, 'content-type': 'image/png' } };
    return fetch(`${url}/classify`, { ...init, headers: { ...init.headers, 'content-encoding': 'gzip' } });
  };
  const before = network.batches.length;
  const running = send();
  await until(() => network.batches.length > before);
  const waiting = send();
  await until(async () =>
    /pending_request_count\S* 1\n/.test(await (await fetch(`${url}/metrics`, { headers: key })).text()),
  );
  for (const path of ['/classify', '/features', '/explain', '/v1/models/fake:predict', '/v2/models/fake/infer']) {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sending = request(url + path, { method: 'POST', headers: { ...headers, ...key } });
      sending
        .on('response', (answer) => resolve(answer.resume()))
        .on('error', reject)
        .flushHeaders();
    });
    expect([path, response.statusCode]).toEqual([path, 503]);
    response.destroy();
  }
  open();
  expect((await Promise.all([running, waiting])).map(({ status }) => status)).toEqual([200, 200]);
});

test('a client that leaves in the middle of its body does not disturb the server', async () => {
  for (const encoding of ['gzip', 'identity']) {
    const sending = request(`${served.url}/classify`, {
      method: 'POST',
      headers: { 'content-type': 'image/png', 'content-encoding': encoding, 'content-length': packed.length },
    });
    sending.on('error', () => undefined).write(packed.subarray(0, 200));
    await new Promise((resolve) => setTimeout(resolve, 50));
    sending.destroy();
  }
  expect((await picture(packed, 'gzip'))[0]).toBe(200);
});
