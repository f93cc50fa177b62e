import { readFileSync } from 'node:fs';
import { fixture } from '../image/pictures';
import { FakeNetwork, fakeModel, serve, type Served } from './support';
import { serverOf } from '../../lib/serve/server';

let served: Served;
beforeAll(async () => (served = await serve()));

const [small, landscape] = ['small.png', 'landscape.jpg'].map((name) => readFileSync(fixture(name))) as [
  Buffer,
  Buffer,
];
const [one, two] = [small, landscape].map((bytes) => bytes.toString('base64')) as [string, string];
const predict = async (body: unknown, path = '/v1/models/fake:predict'): Promise<[number, any]> => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(served.url + path, { method: 'POST', body: text, headers });
  return [response.status, await response.json()];
};
const classify = async (body: Buffer): Promise<any> => {
  const headers = { 'content-type': 'application/octet-stream' };
  const response = await fetch(`${served.url}/classify`, { method: 'POST', body: new Uint8Array(body), headers });
  return ((await response.json()) as any).results[0].predictions;
};

test('predict: both forms of an instance get the predictions of /classify', async () => {
  const expected = { predictions: [await classify(small), await classify(landscape)] };
  expect(await predict({ instances: [{ b64: one }, { b64: two }] })).toEqual([200, expected]);
  const nested = [{ image_bytes: { b64: one }, key: '   1' }, { image_bytes: { b64: two } }];
  expect(await predict({ instances: nested })).toEqual([200, expected]);
  expect(await predict({ instances: [{ b64: one }] }, '/v1/models/fake%3Apredict/?top=1')).toEqual([
    200,
    { predictions: [expected.predictions[0].slice(0, 1)] },
  ]);
});

test('the models and their readiness', async () => {
  expect(await (await fetch(`${served.url}/v1/models`)).json()).toEqual({ models: ['fake'] });
  expect(await (await fetch(`${served.url}/v1/models/fake`)).json()).toEqual({ name: 'fake', ready: true });
  const network = new FakeNetwork();
  network.gate = () => new Promise(() => undefined);
  const app = await serverOf({ models: [{ weights: 'random' }], logLevel: 'silent' }, [fakeModel(network)]);
  const cold = await app.inject('/v1/models/fake');
  expect([cold.statusCode, cold.json()]).toEqual([503, { name: 'fake', ready: false }]);
  const index = await app.inject({ method: 'POST', url: '/v2/repository/index' });
  expect(index.json()).toEqual([
    { name: 'fake', version: '1', state: 'UNAVAILABLE', reason: expect.stringMatching(/first forward/) },
  ]);
  expect((await app.inject({ method: 'POST', url: '/v2/repository/index', payload: { ready: true } })).json()).toEqual(
    [],
  );
  await app.close();
});

test.each<[string, unknown, number, RegExp]>([
  ['no JSON', '{', 400, /JSON/],
  ['an empty body', '', 400, /JSON/],
  ['no instances', {}, 400, /instances must be a list/],
  ['none', { instances: [] }, 400, /at least one/],
  ['numbers', { instances: [[1, 2]] }, 400, /instances\[0\] must be an object/],
  ['another form', { instances: [{ image: one }] }, 400, /"b64".*image_bytes.*\["image"\]/],
  ['null', { instances: [{ image_bytes: { b64: null } }] }, 400, /instances\[0\] must be a picture's bytes in base64/],
  ['no base64', { instances: [{ b64: one }, { b64: '?' }] }, 400, /instances\[1\] must be.*base64/],
  ['a URL', { instances: [{ b64: 'http://127.0.0.1/a.png' }] }, 400, /opens no paths/],
  ['no picture', { instances: [{ b64: 'AAAA' }] }, 400, /instances\[0\] must be.*which is none/],
  ['too many', { instances: Array(33).fill({ b64: 'AAAA' }) }, 413, /32/],
])('predict: %s is rejected', async (_, body, status, message) => {
  expect(await predict(body)).toEqual([status, { error: expect.stringMatching(message), code: expect.any(String) }]);
});

test('predict: an unknown model, and too large a top', async () => {
  expect(await predict({ instances: [{ b64: one }] }, '/v1/models/other:predict')).toEqual([
    404,
    { error: expect.stringMatching(/served here: fake/), code: 'ERR_NOT_FOUND' },
  ]);
  expect((await predict({ instances: [{ b64: one }] }, '/v1/models/fake:predict?top=5'))[0]).toBe(400);
});
