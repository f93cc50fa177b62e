import type { FastifyInstance } from 'fastify';
import { ResNetError } from '../../errors';
import { bodyOf } from '../http/body';
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
import { findModel, isModelReady, type ServerState } from '../state';
import { modelConfig } from './config';
import { modelMetadata } from './metadata';
import { parseInfer } from './request';
import { VERSION, writeInfer } from './response';

interface ModelRoute {
  Params: { model: string; version?: string };
}

/**
 * The Open Inference Protocol's routes of each model, with and without a version: metadata, readiness and infer; and those
 * of Triton's extensions, configuration and statistics.
 */
export function addModelRoutes(app: FastifyInstance, state: ServerState): void {
  app.get('/v2/models/stats', () => modelStatistics([...state.inferences.values()]));
  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    app.get<ModelRoute>(path, ({ params }) => modelMetadata(findVersion(state, params).model));
    app.get<ModelRoute>(`${path}/ready`, ({ params }, reply) => {
      const inference = findVersion(state, params);
      const ready = isModelReady(state, inference);
      return reply.code(ready ? 200 : 503).send({ name: inference.model.name, ready });
    });
    app.get<ModelRoute>(`${path}/config`, ({ params }) => modelConfig(findVersion(state, params).model, state.limits));
    app.get<ModelRoute>(`${path}/stats`, ({ params }) => modelStatistics([findVersion(state, params)]));
    app.post<ModelRoute>(
      `${path}/infer`,
      {
        config: { inference: true, usage: 'Send a request of the Open Inference Protocol, version 2.' },
        onRequest: ({ params }, _, done) => {
          findVersion(state, params).checkQueue();
          done();
        },
      },
      async (request, reply) => {
        const { params, headers, receivedAt } = request;
        const inference = findVersion(state, params);
        const headerLength = headers['inference-header-content-length']?.toString();
        const infer = parseInfer(bodyOf(request), headerLength, (pictures) => inference.checkCount(pictures));
        const timeoutMs = Math.min(infer.timeoutMs ?? Infinity, timeoutOf(headers, state.limits));
        const { values } = await withDeadline(reply, receivedAt, timeoutMs, (signal) =>
          inference.run('logits', infer.input, receivedAt, signal),
        );
        const response = writeInfer(inference.model, infer, values);
        if (response.headerLength === undefined) return reply.type('application/json').send(response.body);
        return reply
          .header('Inference-Header-Content-Length', response.headerLength)
          .type('application/octet-stream')
          .send(response.body);
      },
    );
  }
}

/** Triton's statistics extension. */
function modelStatistics(inferences: readonly Inference[]): object {
  return {
    model_stats: inferences.map(({ model, statistics }) => ({
      name: model.name,
      version: VERSION,
      ...statistics.toJSON(),
    })),
  };
}

/** @throws ERR_NOT_FOUND */
function findVersion(state: ServerState, { model, version }: ModelRoute['Params']): Inference {
  const inference = findModel(state, model);
  if (version === undefined || version === VERSION) return inference;
  throw new ResNetError('ERR_NOT_FOUND', `There is no such version of ${inference.model.name}; it has ${VERSION}.`);
}

export const modelApi: OpenApiPart = {
  paths: {
    '/v2/models/stats': {
      get: {
        operationId: 'statistics',
        summary: 'Statistics of all models, as Triton gives them',
        responses: { ...ok(ref('ModelStatistics')), ...errors(400, 401) },
      },
    },
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
    ModelConfig: object({
      name: string,
      platform: string,
      backend: string,
      version_policy: { type: 'object' },
      max_batch_size: integer,
      input: list(object({ name: string, data_type: string, dims: list(integer), optional: { type: 'boolean' } })),
      output: list(object({ name: string, data_type: string, dims: list(integer) })),
      instance_group: list(object({ name: string, kind: string, count: integer })),
      dynamic_batching: { type: 'object' },
    }),
    Duration: object({ count: integer, ns: integer }),
    ModelStatistics: object({
      model_stats: list(
        object({
          name: string,
          version: string,
          last_inference: integer,
          inference_count: integer,
          execution_count: integer,
          inference_stats: { type: 'object', additionalProperties: ref('Duration') },
          batch_stats: list(
            object({
              batch_size: integer,
              compute_input: ref('Duration'),
              compute_infer: ref('Duration'),
              compute_output: ref('Duration'),
            }),
          ),
        }),
      ),
    }),
    Tensor: object(
      { name: string, datatype: string, shape: list(integer), parameters: { type: 'object' }, data: { type: 'array' } },
      ['name', 'datatype', 'shape'],
    ),
    InferRequest: object(
      {
        id: { type: ['string', 'null'] },
        parameters: { type: ['object', 'null'] },
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
        responses: { ...ok(ref('ModelMetadata')), ...errors(400, 401, 404) },
      },
    },
    [`${path}/ready`]: {
      parameters,
      get: {
        operationId: `modelReady${suffix}`,
        summary: 'Whether a model takes work',
        responses: {
          ...ok(ready),
          ...errors(400, 401, 404),
          503: { description: 'Not yet, or no longer', content: jsonContent(ready) },
        },
      },
    },
    [`${path}/config`]: {
      parameters,
      get: {
        operationId: `modelConfig${suffix}`,
        summary: "A model's configuration, as Triton gives it",
        responses: { ...ok(ref('ModelConfig')), ...errors(400, 401, 404) },
      },
    },
    [`${path}/stats`]: {
      parameters,
      get: {
        operationId: `modelStatistics${suffix}`,
        summary: "A model's statistics, as Triton gives them",
        responses: { ...ok(ref('ModelStatistics')), ...errors(400, 401, 404) },
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
            description: "the JSON's length, where binary tensors follow it; 0: the body is an encoded picture",
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
