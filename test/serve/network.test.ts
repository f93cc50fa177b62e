import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { callNative } from '../../lib/native/addon';
import { decode } from '../../lib/image/decode';
import { checkPreprocess } from '../../lib/image/preprocess';
import { ImageClassifier } from '../../lib/image/classifier';
import { ResNet } from '../../lib/resnet';
import { createServer, resnetPlugin } from '../../lib/serve';
import { Tensor } from '../../lib/tensor';
import fastify, { type FastifyInstance } from 'fastify';
import { fixture } from '../image/pictures';
import { temporaryFolder } from '../support/files';
import { randomTensor } from '../support/tensors';

/** With real networks: the server's results equal those of the same network offline. */
const folder = temporaryFolder();
const weights = 'random:7';
let app: FastifyInstance;
beforeAll(async () => {
  app = await createServer({ models: [{ weights, layers: 18 }], maxQueueSize: 64, logLevel: 'silent' });
});
afterAll(() => app.close());

const post = async (path: string, body: Buffer | object, type?: string): Promise<any> => {
  const headers = type === undefined ? {} : { 'content-type': type };
  const response = await app.inject({ method: 'POST', url: path, payload: body, headers });
  expect([response.statusCode, response.statusCode === 200 ? '' : response.body]).toEqual([200, '']);
  return response.json();
};

test('pictures: the predictions of ImageClassifier', async () => {
  using classifier = await ImageClassifier.create({ weights, layers: 18 });
  for (const name of ['landscape.jpg', 'portrait.png', 'small.png']) {
    const { results } = await post('/classify', readFileSync(fixture(name)), 'application/octet-stream');
    const expected = await classifier.classify(fixture(name), { topK: 1000 });
    const scores = new Map(expected.map(({ label, score }) => [label, score]));
    for (const { label, score } of results[0].predictions) expect(score).toBeCloseTo(scores.get(label)!, 5);
    expect(results[0].predictions[0].score).toBeCloseTo(expected[0]!.score, 5);
  }
});

test('concurrent tensors of several shapes: each result belongs to its request', async () => {
  using net = new ResNet(18, 1000, { seed: 7 });
  const inputs = Array.from({ length: 24 }, (_, i) => randomTensor([1 + (i % 3), 3, 32 + 8 * (i % 2), 32]));
  const answers = await Promise.all(
    inputs.map((x) => {
      const input = { name: 'input', datatype: 'FP32', shape: x.shape, data: [...x.toFloat32()] };
      return post('/v2/models/resnet18/infer', { inputs: [input] });
    }),
  );
  for (const [i, x] of inputs.entries()) {
    const expected = (await net.forward(x)).toFloat32();
    const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const { shape, data } = answers[i].outputs[0];
    expect(shape).toEqual([x.shape[0], 1000]);
    for (const [at, value] of expected.entries()) expect(Math.abs(data[at] - value)).toBeLessThan(1e-4 * largest);
  }
  const text = (await app.inject('/metrics')).body;
  const [, count] = /^nv_inference_count\{model="resnet18",version="1"\} (\d+)$/m.exec(text)!;
  const [, runs] = /^nv_inference_exec_count\{model="resnet18",version="1"\} (\d+)$/m.exec(text)!;
  expect(Number(count)).toBeGreaterThanOrEqual(48);
  expect(Number(runs)).toBeLessThan(Number(count));
  for (const name of [
    'nv_inference_request_success',
    'nv_inference_request_duration_us',
    'nv_inference_queue_duration_us',
    'nv_inference_compute_infer_duration_us',
    'process_cpu_seconds_total',
    'nodejs_eventloop_lag_seconds',
  ]) {
    expect(text).toMatch(new RegExp(`^${name}(\\{.*\\})? [\\d.e+-]+$`, 'm'));
  }
});

test('features: those of the optimized network', async () => {
  using net = new ResNet(18, 1000, { seed: 7 });
  using fast = await net.optimize();
  const [path, size] = [fixture('small.png'), 224];
  const { results } = await post('/features', readFileSync(path), 'image/png');
  const { data } = await callNative((binding) => binding).resizeAndCrop([await decode(path)], checkPreprocess())
    .promise;
  const features = await fast.forwardFeatures(new Tensor(data, [1, size, size, 3]));
  expect(results[0].features).toEqual([...features.toFloat32()].map((value) => expect.closeTo(value, 4)));
});

test('a plugin in another app, below a prefix, with weights and labels from files', async () => {
  using net = new ResNet(18, 3, { seed: 1 });
  const file = join(folder, 'net.safetensors');
  await net.save(file);
  const own = fastify();
  own.get('/own', () => 'mine');
  const models = [
    { name: 'pets', weights: file, labels: ['cat', 'dog', 'cow'] },
    { name: 'other', weights: 'random', layers: 18 as const },
  ];
  await own.register(resnetPlugin, { prefix: '/vision', models });
  expect((await own.inject('/vision/v2/models/pets')).json().outputs[0].shape).toEqual([-1, 3]);
  const answer = await own.inject({
    method: 'POST',
    url: '/vision/classify?model=pets',
    payload: readFileSync(fixture('small.png')),
    headers: { 'content-type': 'image/png' },
  });
  expect(
    answer
      .json()
      .results[0].predictions.map(({ label }: any) => label)
      .sort(),
  ).toEqual(['cat', 'cow', 'dog']);
  const unnamed = await own.inject({
    method: 'POST',
    url: '/vision/classify',
    payload: Buffer.from('x'),
    headers: { 'content-type': 'image/png' },
  });
  expect([unnamed.statusCode, unnamed.json().error]).toEqual([404, expect.stringMatching(/pets, other/)]);
  expect((await own.inject('/own')).body).toBe('mine');
  expect(
    (
      await own.inject({ method: 'POST', url: '/own', payload: '{', headers: { 'content-type': 'application/json' } })
    ).json(),
  ).not.toHaveProperty('code', 'ERR_REQUEST');
  await own.close();
});

test.each<[string, any, string, RegExp]>([
  ['no options', undefined, 'ERR_ARGUMENT', /^options/],
  ['no models', { models: [] }, 'ERR_ARGUMENT', /^models/],
  ['no weights', { models: [{}] }, 'ERR_ARGUMENT', /^models\[0\]\.weights/],
  ['a bad name', { models: [{ weights: 'random', name: 'a/b' }] }, 'ERR_ARGUMENT', /^models\[0\]\.name/],
  [
    'a name twice',
    {
      models: [
        { weights: 'random', layers: 18 },
        { weights: 'random', layers: 18 },
      ],
    },
    'ERR_ARGUMENT',
    /differ.*"resnet18"/,
  ],
  ['a bad seed', { models: [{ weights: 'random:x' }] }, 'ERR_ARGUMENT', /random:SEED/],
  ['a missing file', { models: [{ weights: 'none.safetensors' }] }, 'ERR_FILE', /none\.safetensors/],
  [
    'int8 without calibration',
    { models: [{ weights: 'random', layers: 18, dtype: 'int8' }] },
    'ERR_ARGUMENT',
    /^calibration/,
  ],
  [
    'a limit out of bounds',
    { models: [{ weights: 'random' }], maxBatchSize: 0 },
    'ERR_ARGUMENT',
    /^maxBatchSize must be an integer from 1 to 1024, but got 0/,
  ],
  ['a hole in the keys', { models: [{ weights: 'random' }], apiKeys: [, 'long-enough'] }, 'ERR_ARGUMENT', /^apiKeys/], // eslint-disable-line no-sparse-arrays
  ['a short key', { models: [{ weights: 'random' }], apiKeys: ['x'] }, 'ERR_ARGUMENT', /^apiKeys.*\[1\]/],
  [
    'no key, which would let everybody in',
    { models: [{ weights: 'random' }], apiKeys: [] },
    'ERR_ARGUMENT',
    /^apiKeys/,
  ],
  ['a name too long for a path', { models: [{ weights: 'random', name: 'm'.repeat(101) }] }, 'ERR_ARGUMENT', /name/],
  ['a device of a wrong type', { models: [{ weights: 'random', device: 1 }] }, 'ERR_DEVICE', /^device/],
  [
    'a rate without keys',
    { models: [{ weights: 'random' }], requestsPerSecond: 5 },
    'ERR_ARGUMENT',
    /^requestsPerSecond.*apiKeys/,
  ],
  ['a bad level', { models: [{ weights: 'random' }], logLevel: 'loud' }, 'ERR_ARGUMENT', /^logLevel/],
])('%s: rejected', async (_, options, code, message) => {
  await expect(createServer(options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});
