import type { FastifyInstance } from 'fastify';
import type { ClassifyAnswer, ServedPrediction, Times } from '../../client/answers';
import { topPredictions } from '../../image/scores';
import { timeoutParameter } from '../http/deadline';
import { inferenceErrors } from '../http/error-response';
import { pictureRequestBody } from '../http/picture-body';
import {
  integer,
  list,
  modelParameter,
  number,
  object,
  ok,
  ref,
  string,
  topParameter,
  type OpenApiPart,
} from '../openapi-schema';
import type { ServerState } from '../state';
import { inferPictures, pictureRouteOptions, type PictureRoute } from './picture-request';

/** `POST /classify`: pictures in, their best classes out. */
export function addClassify(app: FastifyInstance, state: ServerState): void {
  const options = pictureRouteOptions(state, '/classify', ['model', 'top']);
  app.post<PictureRoute>('/classify', options, async (request, reply): Promise<ClassifyAnswer> => {
    const { model, names, top, values, times } = await inferPictures('logits', request, reply, state);
    return {
      model: model.name,
      results: values.map((logits, i) => ({
        name: names[i] ?? '',
        predictions: topPredictions(logits, model, top),
      })),
      times,
    };
  });
}

export const classifyApi: OpenApiPart = {
  paths: {
    '/classify': {
      post: {
        operationId: 'classify',
        summary: 'Name what pictures show',
        parameters: [modelParameter, topParameter, timeoutParameter],
        requestBody: pictureRequestBody,
        responses: { ...ok(ref('Classified')), ...inferenceErrors },
      },
    },
  },
  schemas: {
    Times: object<Times>({ decodeMs: number, queueMs: number, inferMs: number }),
    Prediction: object<ServedPrediction>({ label: string, index: integer, score: number }),
    Classified: object<ClassifyAnswer>({
      model: string,
      results: list(object<ClassifyAnswer['results'][number]>({ name: string, predictions: list(ref('Prediction')) })),
      times: ref('Times'),
    }),
  },
};
