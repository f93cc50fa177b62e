import type { FastifyInstance } from 'fastify';
import { bodyOf } from '../http/body';
import { timeoutOf, timeoutParameter, withDeadline } from '../http/deadline';
import { badRequest, inferenceErrors } from '../http/error-response';
import { firstValue } from '../http/json-body';
import { pictureRequestBody, readPictureBody } from '../http/picture-body';
import { binary, integer, modelParameter, number, string, type OpenApiPart } from '../openapi-schema';
import { findModel, type ServerState } from '../state';
import { pictureRouteOptions } from './picture-request';

interface ExplainRoute {
  Querystring: { model?: string | string[]; class?: string | string[] };
}

/** `POST /explain`: a picture in, a PNG of its class activation map out, for the best class or `?class=N`. */
export function addExplain(app: FastifyInstance, state: ServerState): void {
  const options = pictureRouteOptions(state, '/explain', ['model', 'class']);
  app.post<ExplainRoute>('/explain', options, async (request, reply) => {
    const { headers, query, receivedAt } = request;
    const body = bodyOf(request);
    const { pictures, model } = await readPictureBody(body, headers['content-type'], state.limits.maxQueueSize);
    const [picture, ...others] = pictures;
    if (picture === undefined || others.length > 0) throw badRequest('One picture is explained at a time.');
    const inference = findModel(state, firstValue(query.model) ?? model);
    const classValue = firstValue(query.class);
    const classIndex = classValue === undefined ? undefined : Number(classValue || NaN);
    const { png, label, index, score } = await withDeadline(
      reply,
      receivedAt,
      timeoutOf(headers, state.limits),
      (signal) => inference.explain(picture, classIndex, receivedAt, signal),
    );
    // The caption in a form for programs. A header takes Latin-1 only, so the label is percent-encoded.
    return reply
      .type('image/png')
      .header('X-Class-Index', index)
      .header('X-Class-Label', encodeURIComponent(label))
      .header('X-Class-Score', score)
      .send(Buffer.from(png));
  });
}

export const explainApi: OpenApiPart = {
  paths: {
    '/explain': {
      post: {
        operationId: 'explain',
        summary: 'Draw where a picture looks like its likeliest class, or another one',
        parameters: [
          modelParameter,
          { name: 'class', in: 'query', description: "the class's number, from 0", schema: integer },
          timeoutParameter,
        ],
        requestBody: pictureRequestBody,
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
          ...inferenceErrors,
        },
      },
    },
  },
};
