import { readFileSync } from 'node:fs';
import { fixture } from '../image/pictures';
import { runScript } from '../support/node';
import { infer, serve, type Served } from './support';

let [served, document]: [Served, any] = [] as any;
beforeAll(async () => {
  served = await serve({ apiKeys: ['a-long-key'] });
  document = await (await fetch(`${served.url}/openapi.json`)).json();
});

test('is valid OpenAPI 3.1', async () => {
  const { stdout, stderr } = await runScript(`
    import('@seriousme/openapi-schema-validator').then(async ({ Validator }) => {
      const { valid, errors } = await new Validator().validate(${JSON.stringify(document)});
      console.log(JSON.stringify({ valid, errors }));
    });
  `);
  expect([stdout.trim(), stderr]).toEqual(['{"valid":true}', '']);
});

test("describes exactly the server's routes", () => {
  const routes = served.app.printRoutes({ commonPrefix: false });
  const shown: string[] = [];
  const stack: string[] = [];
  for (const line of routes.split('\n')) {
    const [, indent, path, methods] = /^([│ ]*)[├└]── (\S+)(?: \((.*)\))?$/.exec(line) ?? [];
    if (path === undefined) continue;
    stack.length = indent!.length / 4;
    stack.push(path);
    const whole = stack
      .join('')
      .replace(/(?<!:):(\w+)(\([^)]*\))?/g, '{$1}')
      .replace('::', ':');
    for (const method of methods?.split(', ') ?? []) if (method !== 'HEAD') shown.push(`${method} ${whole}`);
  }
  const described = Object.entries<object>(document.paths).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((method) => method !== 'parameters')
      .map((method) => `${method.toUpperCase()} ${path}`),
  );
  const undescribed = new Set(['GET /openapi.json', 'GET /', 'GET /page.css', 'GET /page.js', 'GET /models.json']);
  expect(shown.filter((route) => !undescribed.has(route)).sort()).toEqual(described.sort());
});

test('its schemas are true of the responses', async () => {
  const Ajv = require('ajv/dist/2020');
  const ajv = new Ajv.default({ strict: false });
  ajv.addSchema(document, 'openapi');
  const check = (schema: string, value: unknown): void => {
    const validate = ajv.getSchema(`openapi#/components/schemas/${schema}`);
    expect([validate(value), validate.errors]).toEqual([true, null]);
  };
  const headers = { 'x-api-key': 'a-long-key', 'content-type': 'image/png' };
  const body = readFileSync(fixture('small.png'));
  const post = async (path: string): Promise<unknown> =>
    (await fetch(served.url + path, { method: 'POST', body, headers })).json();
  check('Classified', await post('/classify'));
  check('Features', await post('/features'));
  check('Refusal', await post('/classify?top=0'));
  check('ModelMetadata', await (await fetch(`${served.url}/v2/models/fake`, { headers })).json());
  const get = async (path: string): Promise<unknown> => (await fetch(served.url + path, { headers })).json();
  check('ModelConfig', await get('/v2/models/fake/config'));
  check('ModelStatistics', await get('/v2/models/fake/stats'));
  check('Refusal', await get('/classify'));
  const instances = JSON.stringify({ instances: [{ b64: body.toString('base64') }] });
  const predicted = await fetch(`${served.url}/v1/models/fake:predict`, { method: 'POST', body: instances, headers });
  check('Predictions', await predicted.json());
  const input = { name: 'input', shape: [1, 3, 1, 1], datatype: 'FP32', data: [1, 2, 3] };
  check('InferRequest', { inputs: [input] });
  check('InferResponse', await (await infer(served.url, { inputs: [input] }, headers)).json());
});
