import type { FastifyInstance } from 'fastify';
import type { ServedPrediction } from '../../client/answers';
import { inspect } from '../../errors';
import { topPredictions } from '../../image/scores';
import { parseBase64 } from '../http/base64';
import { bodyOf } from '../http/body';
import { timeoutOf, timeoutParameter, withDeadline } from '../http/deadline';
import { badRequest, errors, inferenceErrors } from '../http/error-response';
import { parseJson, parseList, parseObject } from '../http/json-body';
import { base64, jsonContent, list, object, ok, ref, string, topParameter, type OpenApiPart } from '../openapi-schema';
import { topOf } from '../routes/picture-request';
import { findModel, isModelReady, type ServerState } from '../state';

interface ModelRoute {
  Params: { model: string };
}
interface PredictRoute extends ModelRoute {
  Querystring: { top?: string | string[] };
}

/** The response of `POST /v1/models/M:predict`: the best classes of each instance. */
interface PredictAnswer {
  predictions: ServedPrediction[][];
}

/** Version 1 of KServe's protocol, which is that of TensorFlow Serving: models, their readiness, and predict. */
export function addV1Routes(app: FastifyInstance, state: ServerState): void {
  app.get('/v1/models', () => ({ models: [...state.inferences.keys()] }));
  app.get<ModelRoute>('/v1/models/:model(^[^:]+$)', ({ params }, reply) => {
    const inference = findModel(state, params.model);
    const ready = isModelReady(state, inference);
    return reply.code(ready ? 200 : 503).send({ name: inference.model.name, ready });
  });
  app.post<PredictRoute>(
    '/v1/models/:model(^[^:]+)::predict', // a double colon stands for one
    {
      config: { inference: true, query: ['top'], usage: 'Send {"instances": [{"b64": "a picture in base64"}]}.' },
      onRequest: ({ params }, _, done) => {
        findModel(state, params.model).checkQueue();
        done();
      },
    },
    async (request, reply): Promise<PredictAnswer> => {
      const { params, query, headers, receivedAt } = request;
      const inference = findModel(state, params.model);
      const { model } = inference;
      const top = topOf(query, model);
      const input = parseInstances(bodyOf(request), (pictures) => inference.checkCount(pictures));
      const { values } = await withDeadline(reply, receivedAt, timeoutOf(headers, state.limits), (signal) =>
        inference.run('logits', input, receivedAt, signal),
      );
      return { predictions: values.map((logits) => topPredictions(logits, model, top)) };
    },
  );
}

/**
 * Parses `{ instances: [{ b64 } | { image_bytes: { b64 } }] }`. Other fields of an instance, such as `key`, are ignored.
 *
 * @param checkCount - called with the number of pictures before any is decoded; may throw
 * @throws ERR_REQUEST, and what `checkCount` throws
 */
export function parseInstances(
  body: Buffer,
  checkCount: (pictures: number) => void,
): { pictures: Uint8Array[]; names: string[] } {
  const { instances } = parseObject(parseJson(body, 'The body'), 'The body');
  const items = parseList(instances, 'instances');
  if (items.length === 0) throw badRequest('instances must hold at least one picture.');
  checkCount(items.length);
  const names = items.map((_, i) => `instances[${i}]`);
  const pictures = items.map((item, i) => {
    const instance = parseObject(item, names[i] ?? '');
    const { b64 } = parseObject(instance.image_bytes ?? instance, `${names[i]}.image_bytes`);
    if (b64 !== undefined) return parseBase64(b64, names[i] ?? '');
    throw badRequest(
      `${names[i]} must be {"b64": "…"} or {"image_bytes": {"b64": "…"}}, but got ${inspect(Object.keys(instance))}.`,
    );
  });
  return { pictures, names };
}

const parameters = [{ name: 'model', in: 'path', required: true, schema: string }];
const status = object({ name: string, ready: { type: 'boolean' } });
const encoded = object({ b64: base64 });

export const v1Api: OpenApiPart = {
  paths: {
    '/v1/models': {
      get: {
        operationId: 'modelsV1',
        summary: 'The names of the models',
        responses: { ...ok(object({ models: list(string) })), ...errors(400, 401) },
      },
    },
    '/v1/models/{model}': {
      parameters,
      get: {
        operationId: 'modelReadyV1',
        summary: 'Whether a model takes work',
        responses: {
          ...ok(status),
          ...errors(400, 401, 404),
          503: { description: 'Not yet, or no longer', content: jsonContent(status) },
        },
      },
    },
    '/v1/models/{model}:predict': {
      parameters,
      post: {
        operationId: 'predictV1',
        summary: 'Name what pictures show',
        parameters: [topParameter, timeoutParameter],
        requestBody: {
          required: true,
          content: jsonContent(object({ instances: list({ anyOf: [encoded, object({ image_bytes: encoded })] }) })),
        },
        responses: { ...ok(ref('Predictions')), ...inferenceErrors },
      },
    },
  },
  schemas: { Predictions: object<PredictAnswer>({ predictions: list(list(ref('Prediction'))) }) },
};
