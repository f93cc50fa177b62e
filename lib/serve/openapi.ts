import { ERROR_CODES } from '../errors';

type Json = Record<string, unknown>;

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: Json): Json => ({ 'application/json': { schema } });
const object = (properties: Json, required: readonly string[] = Object.keys(properties)): Json => ({
  type: 'object',
  required,
  properties,
});
const list = (items: Json): Json => ({ type: 'array', items });
const string: Json = { type: 'string' };
const number: Json = { type: 'number' };
const integer: Json = { type: 'integer' };

const REFUSALS: Record<number, string> = {
  400: 'The request is malformed, or its picture cannot be read',
  401: 'An API key is needed',
  404: 'There is no such model or version',
  413: 'The request is too large',
  415: 'This type of body is not taken',
  429: 'This key has used up its requests for now',
  500: 'The server failed',
  503: 'The queue is full, or the server is stopping: try again later',
  504: 'The deadline passed',
};

/** A reusable answer for each refusal. */
const responses = Object.fromEntries(
  Object.entries(REFUSALS).map(([status, description]) => {
    const retry = { 'Retry-After': { description: 'seconds', schema: integer } };
    const headers = status === '429' || status === '503' ? { headers: retry } : {};
    return [`Refused${status}`, { description, ...headers, content: json(ref('Refusal')) }];
  }),
);

const refusals = (...statuses: number[]): Json =>
  Object.fromEntries(statuses.map((status) => [status, { $ref: `#/components/responses/Refused${status}` }]));
const ok = (schema: Json): Json => ({ 200: { description: 'OK', content: json(schema) } });
const WORK = [400, 401, 404, 413, 415, 429, 500, 503, 504];

const timeout = { name: 'X-Request-Timeout-Ms', in: 'header', description: 'deadline', schema: integer };
const model = { name: 'model', in: 'query', description: 'needed where several are served', schema: string };
const top = { name: 'top', in: 'query', description: 'classes to name; default: 5', schema: integer };
const binary = { type: 'string', contentMediaType: 'application/octet-stream' };
const encoded = { type: 'string', contentEncoding: 'base64' };

/** Pictures as people send them. */
const pictures = {
  required: true,
  content: {
    'image/*': { schema: binary },
    'application/octet-stream': { schema: binary },
    'multipart/form-data': { schema: object({ picture: list(binary) }) },
    ...json({
      anyOf: [object({ image: encoded }), object({ images: list(encoded) })],
      properties: { top: integer, model: string },
    }),
  },
};

const schemas = {
  Refusal: object({ error: string, code: { enum: Object.keys(ERROR_CODES) } }),
  Times: object({ decodeMs: number, queueMs: number, inferMs: number }),
  Prediction: object({ label: string, index: integer, score: number }),
  Classified: object({
    model: string,
    results: list(object({ name: string, predictions: list(ref('Prediction')) })),
    times: ref('Times'),
  }),
  Features: object({
    model: string,
    results: list(object({ name: string, features: list(number) })),
    times: ref('Times'),
  }),
  TensorMetadata: object({ name: string, datatype: string, shape: list(integer) }),
  ModelMetadata: object({
    name: string,
    versions: list(string),
    platform: string,
    inputs: list(ref('TensorMetadata')),
    outputs: list(ref('TensorMetadata')),
  }),
  Tensor: object(
    { name: string, datatype: string, shape: list(integer), parameters: { type: 'object' }, data: { type: 'array' } },
    ['name', 'datatype', 'shape'],
  ),
  InferRequest: object(
    {
      id: string,
      parameters: { type: 'object' },
      inputs: list(ref('Tensor')),
      outputs: list(object({ name: string, parameters: { type: 'object' } }, ['name'])),
    },
    ['inputs'],
  ),
  InferResponse: object({ model_name: string, model_version: string, id: string, outputs: list(ref('Tensor')) }, [
    'model_name',
    'outputs',
  ]),
};

/** The description of all routes, OpenAPI 3.1. */
export function openapi(version: string): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'libtorch-resnet',
      version,
      description: 'ResNets over HTTP: the Open Inference Protocol, version 2, and routes for people.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '.' }],
    security: [{}, { bearer: [] }, { key: [] }],
    paths: {
      '/v2': {
        get: {
          operationId: 'serverMetadata',
          summary: 'The server',
          responses: { ...ok(object({ name: string, version: string, extensions: list(string) })), ...refusals(401) },
        },
      },
      '/v2/health/live': {
        get: {
          operationId: 'live',
          summary: 'Whether it runs',
          security: [],
          responses: ok(object({ live: { const: true } })),
        },
      },
      '/v2/health/ready': {
        get: {
          operationId: 'ready',
          summary: 'Whether it takes work',
          security: [],
          responses: {
            ...ok(object({ ready: { const: true } })),
            503: { description: 'Not yet, or no longer', content: json(object({ ready: { const: false } })) },
          },
        },
      },
      ...ofModel('/v2/models/{model}', '', []),
      ...ofModel('/v2/models/{model}/versions/{version}', 'OfVersion', ['version']),
      '/classify': {
        post: {
          operationId: 'classify',
          summary: 'Name what pictures show',
          parameters: [model, top, timeout],
          requestBody: pictures,
          responses: { ...ok(ref('Classified')), ...refusals(...WORK) },
        },
      },
      '/explain': {
        post: {
          operationId: 'explain',
          summary: 'Draw where a picture looks like its likeliest class, or another one',
          parameters: [
            model,
            { name: 'class', in: 'query', description: "the class's number, from 0", schema: integer },
            timeout,
          ],
          requestBody: pictures,
          responses: {
            200: {
              description: 'OK',
              headers: {
                'X-Class-Index': { schema: integer },
                'X-Class-Label': { description: 'percent-encoded', schema: string },
                'X-Class-Score': { schema: number },
              },
              content: { 'image/png': { schema: binary } },
            },
            ...refusals(...WORK),
          },
        },
      },
      '/features': {
        post: {
          operationId: 'features',
          summary: "The networks' numbers after pooling",
          parameters: [model, timeout],
          requestBody: pictures,
          responses: { ...ok(ref('Features')), ...refusals(...WORK) },
        },
      },
      '/metrics': {
        get: {
          operationId: 'metrics',
          summary: "Prometheus' metrics, by Triton's names",
          responses: { 200: { description: 'OK', content: { 'text/plain': { schema: string } } }, ...refusals(401) },
        },
      },
    },
    components: {
      schemas,
      responses,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
    },
  };
}

/** The protocol's three paths of a model. */
function ofModel(path: string, suffix: string, more: readonly string[]): Json {
  const parameters = ['model', ...more].map((name) => ({ name, in: 'path', required: true, schema: string }));
  const ready = object({ name: string, ready: { type: 'boolean' } });
  return {
    [path]: {
      parameters,
      get: {
        operationId: `modelMetadata${suffix}`,
        summary: 'A model',
        responses: { ...ok(ref('ModelMetadata')), ...refusals(401, 404) },
      },
    },
    [`${path}/ready`]: {
      parameters,
      get: {
        operationId: `modelReady${suffix}`,
        summary: 'Whether a model takes work',
        responses: {
          ...ok(ready),
          ...refusals(401, 404),
          503: { description: 'Not yet, or no longer', content: json(ready) },
        },
      },
    },
    [`${path}/infer`]: {
      parameters,
      post: {
        operationId: `infer${suffix}`,
        summary: 'Infer, with exactly one of the inputs image, pixels and input',
        parameters: [
          timeout,
          {
            name: 'Inference-Header-Content-Length',
            in: 'header',
            description: "the JSON's length, where binary tensors follow it",
            schema: integer,
          },
        ],
        requestBody: {
          required: true,
          content: { ...json(ref('InferRequest')), 'application/octet-stream': { schema: binary } },
        },
        responses: {
          200: {
            description: 'OK',
            content: { ...json(ref('InferResponse')), 'application/octet-stream': { schema: binary } },
          },
          ...refusals(...WORK),
        },
      },
    },
  };
}
