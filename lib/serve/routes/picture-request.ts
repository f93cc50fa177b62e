import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BatchKey } from '../batch-key';
import { bodyOf } from '../http/body';
import { timeoutOf, withDeadline } from '../http/deadline';
import { firstValue, parseInteger } from '../http/json-body';
import { readPictureBody } from '../http/picture-body';
import type { InferenceResult } from '../inference';
import type { Model } from '../model';
import { findModel, type ServerState } from '../state';

/** The query of the routes that take pictures. */
export interface PictureRoute {
  Querystring: { model?: string | string[]; top?: string | string[] };
}

/**
 * Fastify's options of a route that takes pictures.
 *
 * @param path - the route's path, for those who call it in another way
 * @param query - the names of its query parameters
 */
export function pictureRouteOptions(state: ServerState, path: string, query: readonly string[]): object {
  const usage =
    `Send a picture as the body: curl -H 'Content-Type: image/jpeg' --data-binary @cat.jpg http://HOST:PORT${path}. ` +
    'Forms and base64 in JSON are accepted too; GET /openapi.json describes them.';
  return {
    config: { inference: true, query, usage },
    onRequest: (request: FastifyRequest<PictureRoute>, _: FastifyReply, done: () => void) => {
      const { model } = request.query;
      // The body may still name one of several models: then the request has a chance while any queue has room.
      const candidates = model === undefined ? [...state.inferences.values()] : [findModel(state, firstValue(model))];
      if (candidates.every(({ full }) => full)) candidates[0]?.checkQueue();
      done();
    },
  };
}

/**
 * How many classes a request asks for: by its query, or else its body, or else 5.
 *
 * @throws ERR_REQUEST
 */
export function topOf(
  { top: fromQuery }: { top?: string | string[] },
  { numClasses }: Pick<Model, 'numClasses'>,
  fromBody?: number,
): number {
  const top = fromQuery === undefined ? fromBody : Number(firstValue(fromQuery) || NaN);
  return parseInteger(top ?? Math.min(5, numClasses), 'top', 1, numClasses);
}

/** Runs the pictures of a request. */
export async function inferPictures(
  output: BatchKey['output'],
  request: FastifyRequest<PictureRoute>,
  reply: FastifyReply,
  state: ServerState,
): Promise<InferenceResult & { model: Model; names: string[]; top: number }> {
  const { headers, query, receivedAt } = request;
  const body = await readPictureBody(bodyOf(request), headers['content-type'], state.limits.maxQueueSize);
  const inference = findModel(state, firstValue(query.model) ?? body.model);
  const { model } = inference;
  const top = topOf(query, model, body.top);
  const result = await withDeadline(reply, receivedAt, timeoutOf(headers, state.limits), (signal) =>
    inference.run(output, body, receivedAt, signal),
  );
  return { ...result, model, names: body.names, top };
}
