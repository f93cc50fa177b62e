import type { FastifyInstance } from 'fastify';
import { ResNetError } from '../../errors';
import { timeoutOf, timeoutParameter, withDeadline } from '../http/deadline';
import { errors, inferenceErrors } from '../http/error-response';
import type { Inference } from '../inference';
import {
  binary,
  integer,
  jsonContent,
  list,
  object,
  ok,
  ref,
  string,
  type Json,
  type OpenApiPart,
} from '../openapi-schema';
import { findModel, type ServerState } from '../state';
import { modelMetadata } from './metadata';
import { parseInfer } from './request';
import { VERSION, writeInfer } from './response';

interface ModelRoute {
  Params: { model: string; version?: string };
}

/** The Open Inference Protocol's routes of each model: metadata, readiness and infer, with and without a version. */
export function addModelRoutes(app: FastifyInstance, state: ServerState): void {
  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    app.get<ModelRoute>(path, ({ params }) => modelMetadata(findVersion(state, params).model));
    app.get<ModelRoute>(`${path}/ready`, ({ params }, reply) => {
      const inference = findVersion(state, params);
      const ready = inference.ready && !state.stopping;
      return reply.code(ready ? 200 : 503).send({ name: inference.model.name, ready });
    });
    app.post<ModelRoute>(
      `${path}/infer`,
      {
        config: { inference: true },
        onRequest: ({ params }, _, done) => {
          findVersion(state, params).checkQueue();
          done();
        },
      },
      async ({ params, headers, body, receivedAt }, reply) => {
        const inference = findVersion(state, params);
        const headerLength = headers['inference-header-content-length']?.toString();
        const request = parseInfer((body as Buffer | undefined) ?? Buffer.alloc(0), headerLength, (pictures) =>
          inference.checkCount(pictures),
        );
        const timeoutMs = Math.min(request.timeoutMs ?? Infinity, timeoutOf(headers, state.limits));
        const { values } = await withDeadline(reply, receivedAt, timeoutMs, (signal) =>
          inference.run('logits', request.input, receivedAt, signal),
        );
        const response = writeInfer(inference.model, request, values);
        if (response.headerLength === undefined) return reply.type('application/json').send(response.body);
        return reply
          .header('Inference-Header-Content-Length', response.headerLength)
          .type('application/octet-stream')
          .send(response.body);
      },
    );
  }
}

/** @throws ERR_NOT_FOUND */
function findVersion(state: ServerState, { model, version }: ModelRoute['Params']): Inference {
  const inference = findModel(state, model);
  if (version === undefined || version === VERSION) return inference;
  throw new ResNetError('ERR_NOT_FOUND', `There is no such version of ${inference.model.name}; it has ${VERSION}.`);
}

export const modelApi: OpenApiPart = {
  paths: {
    ...pathsOf('/v2/models/{model}', '', []),
    ...pathsOf('/v2/models/{model}/versions/{version}', 'OfVersion', ['version']),
  },
  schemas: {
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
  },
};

function pathsOf(path: string, suffix: string, moreParameters: readonly string[]): Json {
  const parameters = ['model', ...moreParameters].map((name) => ({ name, in: 'path', required: true, schema: string }));
  const ready = object({ name: string, ready: { type: 'boolean' } });
  return {
    [path]: {
      parameters,
      get: {
        operationId: `modelMetadata${suffix}`,
        summary: 'A model',
        responses: { ...ok(ref('ModelMetadata')), ...errors(401, 404) },
      },
    },
    [`${path}/ready`]: {
      parameters,
      get: {
        operationId: `modelReady${suffix}`,
        summary: 'Whether a model takes work',
        responses: {
          ...ok(ready),
          ...errors(401, 404),
          503: { description: 'Not yet, or no longer', content: jsonContent(ready) },
        },
      },
    },
    [`${path}/infer`]: {
      parameters,
      post: {
        operationId: `infer${suffix}`,
        summary: 'Infer, with exactly one of the inputs image, pixels and input',
        parameters: [
          timeoutParameter,
          {
            name: 'Inference-Header-Content-Length',
            in: 'header',
            description: "the JSON's length, where binary tensors follow it",
            schema: integer,
          },
        ],
        requestBody: {
          required: true,
          content: { ...jsonContent(ref('InferRequest')), 'application/octet-stream': { schema: binary } },
        },
        responses: {
          200: {
            description: 'OK',
            content: { ...jsonContent(ref('InferResponse')), 'application/octet-stream': { schema: binary } },
          },
          ...inferenceErrors,
        },
      },
    },
  };
}
