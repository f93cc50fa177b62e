import fastify from 'fastify';
import { addRoutes } from '../../lib/serve/plugin';
import { fakeModel, FakeNetwork, infer, serve, type Served } from './support';

let served: Served;
beforeAll(async () => (served = await serve()));

const input = { name: 'input', shape: [1, 3, 1, 1], datatype: 'FP32', data: [1, 2, 3] };
const ask = async (path: string, init: RequestInit = {}): Promise<[number, string | null, any]> => {
  const response = await fetch(served.url + path, init);
  const text = await response.text();
  return [response.status, response.headers.get('allow'), text === '' ? undefined : JSON.parse(text)];
};

test.each([
  ['GET', '/classify', 'POST', /curl .*\/classify/],
  ['PUT', '/classify', 'POST', /curl .*\/classify/],
  ['PUT', '/classify/?top=1', 'POST', /curl .*\/classify/],
  ['DELETE', '/features', 'POST', /curl .*\/features/],
  ['GET', '/explain', 'POST', /curl .*\/explain/],
  ['OPTIONS', '/classify', 'POST', /takes POST, but got OPTIONS/],
  ['QUERY', '/classify', 'POST', /takes POST, but got QUERY/],
  ['PROPFIND', '/classify', 'POST', /takes POST, but got PROPFIND/],
  ['GET', '/v2/models/fake/infer', 'POST', /\/v2\/models\/MODEL\/infer takes POST/],
  ['GET', '/v2/models/other/versions/2/infer', 'POST', /VERSION\/infer takes POST/],
  ['POST', '/v2/models/fake/ready', 'GET, HEAD', /takes GET, HEAD, but got POST/],
  ['POST', '/v1/models/fake', 'GET, HEAD', /takes GET, HEAD/],
  ['PUT', '/v1/models/fake:predict', 'POST', /MODEL:predict takes POST.*b64/],
  ['GET', '/v1/models/fake:predict', 'POST', /MODEL:predict takes POST.*b64/],
  ['GET', '/v2/repository/index', 'POST', /takes POST/],
  ['POST', '/metrics', 'GET, HEAD', /takes GET, HEAD/],
  ['POST', '/', 'GET, HEAD', /takes GET, HEAD/],
])('%s %s is 405 with Allow, and says how to call it', async (method, path, allow, message) => {
  expect(await ask(path, { method })).toEqual([
    405,
    allow,
    { error: expect.stringMatching(message), code: 'ERR_REQUEST' },
  ]);
});

test('405 does not wait for the body, nor parse it', async () => {
  const headers = { 'content-type': 'application/json' };
  expect((await ask('/classify', { method: 'PUT', body: '{', headers }))[0]).toBe(405);
  expect((await ask('/classify', { method: 'PUT', body: new Uint8Array(2 ** 26), headers }))[0]).toBe(405);
});

test('HEAD of a path that takes POST is 405', async () => {
  expect(await ask('/classify', { method: 'HEAD' })).toEqual([405, 'POST', undefined]);
  expect((await ask('/v2', { method: 'HEAD' }))[0]).toBe(200);
});

test.each(['/clasify', '/v2/model/fake', '/v1', '/classify/cat.jpg', '/v2/models/fake/versions', '/classify%00'])(
  '%s is 404, which names what there is',
  async (path) => {
    for (const method of ['GET', 'POST']) {
      const [status, allow, { error, code }] = await ask(path, { method });
      expect([status, allow, code]).toEqual([404, null, 'ERR_NOT_FOUND']);
      for (const known of [
        'POST /classify,',
        'POST /v2/models/MODEL/infer',
        'POST /v1/models/MODEL:predict',
        'GET /v2,',
      ]) {
        expect(error).toContain(known);
      }
      expect(error).toContain(JSON.stringify(path));
    }
  },
);

test('a long path is shortened in the message', async () => {
  const [, , { error }] = await ask(`/${'x'.repeat(4000)}`);
  expect(error.length).toBeLessThan(1000);
});

test('an unknown model or version is 404, which names those that there are', async () => {
  for (const path of ['/v2/models/x', '/v2/models/x/config', '/v2/models/x/stats', '/v1/models/x']) {
    expect(await ask(path)).toEqual([
      404,
      null,
      { error: expect.stringMatching(/served here: fake/), code: 'ERR_NOT_FOUND' },
    ]);
  }
  expect((await ask('/v2/models/fake/versions/3'))[2].error).toMatch(/version of fake; it has 1/);
});

test.each([
  ['POST', '/classify?topk=3', /"topk"; \/classify has model, top/],
  ['POST', '/classify?top=3&Model=fake', /"Model"; \/classify has model, top/],
  ['POST', '/features?top=3', /"top"; \/features has model\./],
  ['POST', '/explain?classIndex=3', /"classIndex"; \/explain has model, class/],
  ['POST', '/v2/models/fake/infer?timeout=5', /"timeout"; \/v2\/models\/MODEL\/infer has none/],
  ['POST', '/v1/models/fake:predict?topK=5', /"topK"; \/v1\/models\/MODEL:predict has top/],
  ['POST', '/v2/repository/index?ready=1', /"ready"/],
  ['POST', '/classify?__proto__=1', /"__proto__"/],
  ['GET', '/v2/models/fake?x', /"x"/],
  ['GET', '/metrics?name=a', /"name"/],
])('%s %s: an unknown query parameter is 400', async (method, path, message) => {
  expect(await ask(path, { method })).toEqual([
    400,
    null,
    { error: expect.stringMatching(message), code: 'ERR_REQUEST' },
  ]);
});

test('health checks and the page ignore the query, as caches and probes add to it', async () => {
  for (const path of ['/v2/health/live?t=1', '/v2/health/ready?t=1', '/openapi.json?t=1', '/?utm=1']) {
    expect((await fetch(served.url + path)).status).toBe(200);
  }
});

test('an unknown field of the JSON is 400 too', async () => {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const [status, , { error }] = await ask('/classify', { ...init, body: '{"image": "AAAA", "topk": 3}' });
  expect([status, error]).toEqual([400, expect.stringMatching(/image, images, top, model.*"topk"/)]);
});

test('a trailing slash changes nothing', async () => {
  for (const path of [
    '/v2/',
    '/v2/health/ready/',
    '/v2/models/fake/',
    '/v1/models/fake/',
    '/metrics/',
    '/v1/models/',
  ]) {
    expect([path, (await fetch(served.url + path)).status]).toEqual([path, 200]);
  }
  const body = JSON.stringify({ inputs: [input] });
  const answer = await ask('/v2/models/fake/infer/', { method: 'POST', body });
  expect(answer[2]).toEqual(await (await infer(served.url, { inputs: [input] })).json());
  const empty = await ask('/classify/?top=1', { method: 'POST', body: '', headers: { 'content-type': 'image/png' } });
  expect([empty[0], empty[2].code]).toEqual([400, 'ERR_IMAGE']);
});

test('401 comes before unknown parameters; 404 and 405 need no key', async () => {
  const { url } = await serve({ apiKeys: ['a-long-key'] });
  expect((await fetch(`${url}/classify?topk=3`, { method: 'POST' })).status).toBe(401);
  expect((await fetch(`${url}/classify`)).status).toBe(405);
  expect((await fetch(`${url}/nothing`)).status).toBe(404);
});

test('a plugin below a prefix answers for the paths below it only', async () => {
  const app = fastify();
  app.get('/own', () => 'mine');
  const options = { models: [{ weights: 'random' }], apiKeys: ['a-long-key'] };
  await app.register((scope) => addRoutes(scope, options, [fakeModel(new FakeNetwork())]), { prefix: '/vision' });
  const got = await app.inject('/vision/classify');
  expect([got.statusCode, got.headers.allow, got.json().error]).toEqual([
    405,
    'POST',
    expect.stringMatching(/^\/vision\/classify takes POST/),
  ]);
  const missing = await app.inject('/vision/nothing');
  expect([missing.statusCode, missing.json().error]).toEqual([404, expect.stringMatching(/POST \/vision\/classify/)]);
  expect((await app.inject('/nothing')).json()).not.toHaveProperty('code');
  expect((await app.inject({ method: 'PUT', url: '/own' })).statusCode).toBe(404);
  await app.close();
});
