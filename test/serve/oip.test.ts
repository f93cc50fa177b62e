import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { fixture } from '../image/pictures';
import { answerOf, infer, serve, type Served } from './support';

let served: Served;
beforeAll(async () => (served = await serve()));

const get = async (path: string): Promise<[number, any]> => {
  const response = await fetch(served.url + path);
  return [response.status, await response.json()];
};
const floats = Float32Array.from({ length: 2 * 3 * 2 * 2 }, (_, i) => i / 4 - 1);
const rows = [floats.subarray(0, 12), floats.subarray(12)].map(answerOf);
const input = { name: 'input', shape: [2, 3, 2, 2], datatype: 'FP32' };
const picture = readFileSync(fixture('small.png'));

/** Sends a request whose JSON is followed by binary tensors. */
async function inferBinary(json: any, binary: Uint8Array, length?: string): Promise<Response> {
  const head = Buffer.from(JSON.stringify(json));
  return fetch(`${served.url}/v2/models/fake/infer`, {
    method: 'POST',
    body: Buffer.concat([head, binary]),
    headers: { 'Inference-Header-Content-Length': length ?? String(head.length) },
  });
}

/** The JSON of a response and the bytes after it. */
async function parts(response: Response): Promise<{ json: any; binary: Buffer }> {
  const body = Buffer.from(await response.arrayBuffer());
  const length = Number(response.headers.get('inference-header-content-length') ?? body.length);
  return { json: JSON.parse(String(body.subarray(0, length))), binary: body.subarray(length) };
}

test('metadata and health', async () => {
  expect(await get('/v2')).toEqual([
    200,
    {
      name: 'libtorch-resnet',
      version: expect.any(String),
      extensions: ['binary_tensor_data', 'classification', 'model_configuration', 'statistics'],
    },
  ]);
  expect((await get('/v2/health/live'))[0]).toBe(200);
  expect((await get('/v2/health/ready'))[0]).toBe(200);
  const metadata = {
    name: 'fake',
    versions: ['1'],
    platform: 'libtorch_resnet',
    inputs: [
      { name: 'image', datatype: 'BYTES', shape: [-1] },
      { name: 'pixels', datatype: 'UINT8', shape: [-1, -1, -1, 3] },
      { name: 'input', datatype: 'FP32', shape: [-1, 3, -1, -1] },
    ],
    outputs: [{ name: 'logits', datatype: 'FP32', shape: [-1, 4] }],
  };
  expect(await get('/v2/models/fake')).toEqual([200, metadata]);
  expect(await get('/v2/models/fake/versions/1')).toEqual([200, metadata]);
  expect(await get('/v2/models/fake/ready')).toEqual([200, { name: 'fake', ready: true }]);
  expect(await get('/v2/models/fake/versions/1/ready')).toEqual([200, { name: 'fake', ready: true }]);
  for (const path of ['/v2/models/other', '/v2/models/fake/versions/2', '/v2/models/other/ready', '/nothing']) {
    expect(await get(path)).toEqual([404, { error: expect.any(String), code: 'ERR_NOT_FOUND' }]);
  }
});

test('JSON in, JSON out: flat or nested, in one batch', async () => {
  served.network.batches.length = 0;
  const nested = [0, 12].map((at) =>
    [0, 4, 8].map((c) => [0, 2].map((y) => [...floats.slice(at + c + y, at + c + y + 2)])),
  );
  for (const data of [[...floats], nested]) {
    const response = await infer(served.url, { id: 'seven', inputs: [{ ...input, data }] });
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await response.json()).toEqual({
      model_name: 'fake',
      model_version: '1',
      id: 'seven',
      outputs: [{ name: 'logits', datatype: 'FP32', shape: [2, 4], data: rows.flat() }],
    });
  }
  expect(served.network.batches).toEqual([
    [2, 3, 2, 2],
    [2, 3, 2, 2],
  ]);
});

test('binary in, binary out', async () => {
  const response = await inferBinary(
    {
      inputs: [{ ...input, parameters: { binary_data_size: 96 } }],
      outputs: [{ name: 'logits', parameters: { binary_data: true } }],
    },
    new Uint8Array(floats.buffer),
  );
  expect(response.status).toBe(200);
  const { json, binary } = await parts(response);
  expect(json.outputs).toEqual([
    { name: 'logits', datatype: 'FP32', shape: [2, 4], parameters: { binary_data_size: 32 } },
  ]);
  expect([...new Float32Array(binary.buffer.slice(binary.byteOffset))]).toEqual(rows.flat());
});

test('pixels, at every alignment, and the default for all outputs', async () => {
  const pixels = Uint8Array.from({ length: 12 }, (_, i) => 20 * i);
  for (const id of ['', 'a', 'ab', 'abc']) {
    const given = { ...input, shape: [1, 3, 1, 1], parameters: { binary_data_size: 12 } };
    const odd = await inferBinary({ id, inputs: [given] }, new Uint8Array(Float32Array.of(1, 2, 3).buffer));
    expect((await parts(odd)).json.outputs[0].data).toEqual([1, 3, 4, 0.5]);
  }
  const response = await inferBinary(
    {
      parameters: { binary_data_output: true },
      inputs: [{ name: 'pixels', shape: [1, 2, 2, 3], datatype: 'UINT8', parameters: { binary_data_size: 12 } }],
    },
    pixels,
  );
  const { binary } = await parts(response);
  expect([...new Float32Array(binary.buffer.slice(binary.byteOffset))]).toEqual(answerOf(pixels));
});

test('encoded pictures, as base64 and as byte strings', async () => {
  const image = { name: 'image', shape: [2], datatype: 'BYTES' };
  const json = await infer(served.url, { inputs: [{ ...image, data: Array(2).fill(picture.toString('base64')) }] });
  const { outputs } = (await json.json()) as any;
  expect(outputs[0].shape).toEqual([2, 4]);
  expect(outputs[0].data.slice(0, 4)).toEqual(outputs[0].data.slice(4));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(picture.length);
  const bytes = Buffer.concat([length, picture, length, picture]);
  const binary = await inferBinary({ inputs: [{ ...image, parameters: { binary_data_size: bytes.length } }] }, bytes);
  expect((await parts(binary)).json.outputs).toEqual(outputs);
});

test('the classification extension: score, index and label, best first; probabilities where asked for', async () => {
  const given = { ...input, shape: [1, 3, 1, 1], data: [2, 0, 1] };
  const ask = async (parameters: object, all: object = {}): Promise<any> => {
    const body = { parameters: all, inputs: [given], outputs: [{ name: 'logits', parameters }] };
    return ((await (await infer(served.url, body)).json()) as any).outputs[0];
  };
  expect(await ask({ classification: 2 })).toEqual({
    name: 'logits',
    datatype: 'BYTES',
    shape: [1, 2],
    data: ['3:2:sum', '2:0:first'],
  });
  expect((await ask({ classification: 9 })).data).toEqual(['3:2:sum', '2:0:first', '1:1:last', '0.5:3:half: constant']);
  const { data } = await ask({}, { softmax: true });
  expect(data.reduce((sum: number, value: number) => sum + value)).toBeCloseTo(1, 6);
  expect((await ask({ classification: 1 }, { softmax: true })).data[0]).toBe(`${Number(data[2].toPrecision(9))}:2:sum`);
  const binary = await inferBinary(
    {
      inputs: [{ ...given, data: undefined, parameters: { binary_data_size: 12 } }],
      outputs: [{ name: 'logits', parameters: { classification: 1, binary_data: true } }],
    },
    new Uint8Array(Float32Array.of(2, 0, 1).buffer),
  );
  expect((await parts(binary)).binary.toString('latin1')).toBe('\x07\0\0\x003:2:sum');
});

const good = { ...input, data: [...floats] };
test.each<[string, any, RegExp]>([
  ['no JSON', '{', /JSON/],
  ['no object', '[]', /object/],
  ['no inputs', {}, /inputs must be a list/],
  ['two inputs', { inputs: [good, good] }, /exactly one of image, pixels, input/],
  ['none', { inputs: [] }, /exactly one/],
  ['an unknown name', { inputs: [{ ...good, name: 'x' }] }, /image, pixels, input.*"x"/],
  ['another datatype', { inputs: [{ ...good, datatype: 'FP16' }] }, /FP32.*"FP16"/],
  ['a wrong shape', { inputs: [{ ...good, shape: [2, 4, 2, 2] }] }, /shape \[-1, 3, -1, -1\]/],
  ['a negative dimension', { inputs: [{ ...good, shape: [-2, 3, -2, 2] }] }, /shape/],
  ['nothing in the batch', { inputs: [{ ...good, shape: [0, 3, 2, 2], data: [] }] }, /shape/],
  [
    'a shape that would take gigabytes',
    { inputs: [{ ...good, shape: [1, 3, 9000, 9000] }] },
    /must hold 243000000 elements, as its shape says\.$/,
  ],
  ['too few numbers', { inputs: [{ ...good, data: [1] }] }, /24 elements.*got 1/],
  ['too many numbers', { inputs: [{ ...good, data: [...floats, 1] }] }, /24 elements.*got 25/],
  ['a text among them', { inputs: [{ ...good, data: ['1', ...floats.slice(1)] }] }, /does not fit/],
  ['a byte of 256', { inputs: [{ name: 'pixels', datatype: 'UINT8', shape: [1, 1, 1, 3], data: [0, 1, 256] }] }, /256/],
  ['no base64', { inputs: [{ name: 'image', datatype: 'BYTES', shape: [1], data: ['%'] }] }, /base64/],
  ['no picture', { inputs: [{ name: 'image', datatype: 'BYTES', shape: [1], data: ['AAAA'] }] }, /which is none/],
  ['an unknown output', { inputs: [good], outputs: [{ name: 'x' }] }, /outputs must be logits/],
  ['a bad timeout', { inputs: [good], parameters: { timeout: -1 } }, /timeout/],
  ['shared memory', { inputs: [{ ...good, parameters: { shared_memory_region: 'x' } }] }, /shared memory/],
  [
    'a bad classification',
    { inputs: [good], outputs: [{ name: 'logits', parameters: { classification: 1.5 } }] },
    /1\.5/,
  ],
  [
    'more pictures than the queue holds',
    { inputs: [{ ...good, shape: [33, 3, 1, 1], data: Array(99).fill(0) }] },
    /32/,
  ],
  ['millions of pictures, before there are any', { inputs: [{ ...good, shape: [2 ** 24, 3, 1, 1] }] }, /at most 32/],
])('%s is rejected', async (_, body, message) => {
  const response = await infer(served.url, body);
  const { error, code } = (await response.json()) as any;
  expect(error).toMatch(message);
  expect([response.status, code]).toEqual(
    code === 'ERR_TOO_LARGE' ? [413, code] : [400, expect.stringMatching(/^ERR_/)],
  );
  expect(error).not.toMatch(/\n| {4}at |\.ts|\.js|node_modules/);
});

test.each<[string, any, number, string | undefined, RegExp]>([
  ['a length beyond the body', { inputs: [good] }, 0, '99999', /Inference-Header-Content-Length/],
  ['a length that is none', { inputs: [good] }, 0, 'x', /Inference-Header-Content-Length/],
  ['bytes that nobody wants', { inputs: [good] }, 4, undefined, /4 bytes .* belong to no input/],
  [
    'fewer bytes than said',
    { inputs: [{ ...input, parameters: { binary_data_size: 96 } }] },
    92,
    undefined,
    /92 bytes/,
  ],
  [
    'bytes that do not fit',
    { inputs: [{ ...input, parameters: { binary_data_size: 92 } }] },
    92,
    undefined,
    /96 bytes/,
  ],
  ['data twice', { inputs: [{ ...good, parameters: { binary_data_size: 96 } }] }, 96, undefined, /both/],
  [
    'byte strings longer than the body',
    { inputs: [{ name: 'image', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: 6 } }] },
    6,
    undefined,
    /1 byte strings/,
  ],
])('binary: %s is rejected', async (_, json, bytes, length, message) => {
  const response = await inferBinary(json, new Uint8Array(bytes).fill(255), length);
  expect(response.status).toBe(400);
  expect(((await response.json()) as any).error).toMatch(message);
});

test('NaN is an error in JSON and works in binary', async () => {
  const given = { ...input, shape: [1, 3, 1, 1], parameters: { binary_data_size: 12 } };
  const bytes = new Uint8Array(Float32Array.of(NaN, 0, 1).buffer);
  const json = await inferBinary({ inputs: [given] }, bytes);
  expect([json.status, ((await json.json()) as any).error]).toEqual([400, expect.stringMatching(/binary/)]);
  const response = await inferBinary({ inputs: [given], parameters: { binary_data_output: true } }, bytes);
  const { binary } = await parts(response);
  expect(binary.readFloatLE(0)).toBeNaN();
});

test('NaN has no rank', async () => {
  const given = { ...input, shape: [1, 3, 1, 1], parameters: { binary_data_size: 12 } };
  const outputs = [{ name: 'logits', parameters: { classification: 2 } }];
  const response = await inferBinary({ inputs: [given], outputs }, new Uint8Array(Float32Array.of(NaN, 0, 1).buffer));
  expect([response.status, ((await response.json()) as any).error]).toEqual([400, expect.stringMatching(/no rank/)]);
});

test('optional values that are null are absent', async () => {
  const nulls = {
    id: null,
    parameters: { timeout: null, softmax: null, binary_data_output: null },
    inputs: [{ ...good, parameters: { binary_data_size: null, shared_memory_region: null } }],
    outputs: [{ name: 'logits', parameters: { binary_data: null, classification: null } }],
  };
  const more = { id: null, parameters: null, inputs: [{ ...good, parameters: null }], outputs: null };
  const expected = await (await infer(served.url, { inputs: [good] })).json();
  expect(expected).not.toHaveProperty('id');
  for (const body of [nulls, more]) {
    const response = await infer(served.url, body);
    expect([response.status, await response.json()]).toEqual([200, expected]);
  }
  const binary = { ...input, data: null, parameters: { binary_data_size: 96 } };
  expect((await inferBinary({ inputs: [binary] }, new Uint8Array(floats.buffer))).status).toBe(200);
});

test("Triton's raw binary request: the body is one encoded picture, and the answer binary", async () => {
  const image = { name: 'image', shape: [1], datatype: 'BYTES', data: [picture.toString('base64')] };
  const expected = (await (await infer(served.url, { inputs: [image] })).json()) as any;
  for (const encoding of ['identity', 'gzip']) {
    const body = new Uint8Array(encoding === 'gzip' ? gzipSync(picture) : picture);
    const headers = { 'Inference-Header-Content-Length': '0', 'content-encoding': encoding };
    const response = await fetch(`${served.url}/v2/models/fake/versions/1/infer`, { method: 'POST', body, headers });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/octet-stream']);
    const { json, binary } = await parts(response);
    expect(json).toMatchObject({ model_name: 'fake', outputs: [{ name: 'logits', shape: [1, 4], datatype: 'FP32' }] });
    expect([...new Float32Array(binary.buffer.slice(binary.byteOffset))]).toEqual(expected.outputs[0].data);
  }
  const headers = { 'Inference-Header-Content-Length': '0' };
  for (const body of [undefined, '{"inputs": []}']) {
    const init = body === undefined ? {} : { body };
    const response = await fetch(`${served.url}/v2/models/fake/infer`, { method: 'POST', headers, ...init });
    expect([response.status, await response.json()]).toEqual([400, expect.objectContaining({ code: 'ERR_IMAGE' })]);
  }
});

test("Triton's model configuration", async () => {
  const [status, config] = await get('/v2/models/fake/config');
  expect(status).toBe(200);
  expect(config).toMatchObject({
    name: 'fake',
    platform: 'libtorch_resnet',
    max_batch_size: 8,
    input: [
      { name: 'image', data_type: 'TYPE_STRING', dims: [] },
      { name: 'pixels', data_type: 'TYPE_UINT8', dims: [-1, -1, 3] },
      { name: 'input', data_type: 'TYPE_FP32', dims: [3, -1, -1] },
    ],
    output: [{ name: 'logits', data_type: 'TYPE_FP32', dims: [4] }],
    instance_group: [{ kind: 'KIND_CPU', count: 1 }],
    dynamic_batching: { default_queue_policy: { max_queue_size: 32 } },
  });
  expect(await get('/v2/models/fake/versions/1/config')).toEqual([200, config]);
  expect((await get('/v2/models/fake/versions/2/config'))[0]).toBe(404);
});

test("Triton's statistics count requests, pictures and batches", async () => {
  const { url } = await serve();
  const stats = async (path: string): Promise<any> => (await (await fetch(url + path)).json()) as any;
  const [before] = (await stats('/v2/models/fake/stats')).model_stats;
  expect(before).toMatchObject({ name: 'fake', version: '1', last_inference: 0, inference_count: 0 });
  for (let i = 0; i < 3; i++) await infer(url, { inputs: [good] });
  await infer(url, { inputs: [{ ...good, name: 'image', datatype: 'BYTES', shape: [1], data: ['AAAA'] }] });
  const all = await stats('/v2/models/stats');
  const [after] = all.model_stats;
  expect(after).toMatchObject({
    inference_count: 6,
    execution_count: 3 + (before.execution_count as number),
    inference_stats: {
      success: { count: 3, ns: expect.any(Number) },
      fail: { count: 1 },
      queue: { count: 3 },
      compute_input: { count: 3 },
      compute_infer: { count: 3 },
    },
    batch_stats: expect.arrayContaining([
      {
        batch_size: 2,
        compute_infer: { count: 3, ns: expect.any(Number) },
        compute_input: expect.anything(),
        compute_output: expect.anything(),
      },
    ]),
  });
  expect(after.inference_stats.success.ns).toBeGreaterThan(after.inference_stats.compute_infer.ns);
  expect(Date.now() - after.last_inference).toBeLessThan(60_000);
  expect(await stats('/v2/models/fake/versions/1/stats')).toEqual(all);
});

test('the repository index', async () => {
  const index = async (body?: string): Promise<[number, any]> => {
    const init = body === undefined ? {} : { body };
    const response = await fetch(`${served.url}/v2/repository/index`, { method: 'POST', ...init });
    return [response.status, await response.json()];
  };
  const ready = [{ name: 'fake', version: '1', state: 'READY', reason: '' }];
  for (const body of [undefined, '', '{}', '{"ready": true}', '{"ready": false}', '{"ready": null}']) {
    expect(await index(body)).toEqual([200, ready]);
  }
  for (const body of ['{', '[]', '{"ready": 1}']) expect((await index(body))[0]).toBe(400);
});
