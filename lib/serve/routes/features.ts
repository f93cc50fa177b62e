import type { FastifyInstance } from 'fastify';
import type { FeaturesAnswer } from '../../client/answers';
import { timeoutParameter } from '../http/deadline';
import { inferenceErrors } from '../http/error-response';
import { pictureRequestBody } from '../http/picture-body';
import { list, modelParameter, number, object, ok, ref, string, type OpenApiPart } from '../openapi-schema';
import type { ServerState } from '../state';
import { inferPictures, pictureRouteOptions, type PictureRoute } from './picture-request';

/** `POST /features`: pictures in, the network's values after global pooling out. */
export function addFeatures(app: FastifyInstance, state: ServerState): void {
  const options = pictureRouteOptions(state, '/features', ['model']);
  app.post<PictureRoute>('/features', options, async (request, reply): Promise<FeaturesAnswer> => {
    const { model, names, values, times } = await inferPictures('features', request, reply, state);
    return {
      model: model.name,
      results: values.map((features, i) => ({ name: names[i] ?? '', features: [...features] })),
      times,
    };
  });
}

export const featuresApi: OpenApiPart = {
  paths: {
    '/features': {
      post: {
        operationId: 'features',
        summary: "The networks' numbers after pooling",
        parameters: [modelParameter, timeoutParameter],
        requestBody: pictureRequestBody,
        responses: { ...ok(ref('Features')), ...inferenceErrors },
      },
    },
  },
  schemas: {
    Features: object<FeaturesAnswer>({
      model: string,
      results: list(object<FeaturesAnswer['results'][number]>({ name: string, features: list(number) })),
      times: ref('Times'),
    }),
  },
};
