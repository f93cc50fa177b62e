import type { FastifyInstance } from 'fastify';
import { errors } from '../http/error-response';
import { parseBoolean, parseJson, parseObject } from '../http/json-body';
import { jsonContent, list, object, ok, string, type OpenApiPart } from '../openapi-schema';
import { isModelReady, type ServerState } from '../state';
import { VERSION } from './response';

/** `POST /v2/repository/index`, of Triton's model repository extension: the models and whether they are ready. */
export function addRepositoryRoutes(app: FastifyInstance, state: ServerState): void {
  app.post(
    '/v2/repository/index',
    { config: { usage: 'The body may be empty, or {"ready": true} for the models that are ready.' } },
    ({ body }) => {
      const readyOnly = parseReady(body as Buffer | undefined);
      return [...state.inferences.values()]
        .filter((inference) => !readyOnly || isModelReady(state, inference))
        .map((inference) => ({
          name: inference.model.name,
          version: VERSION,
          state: isModelReady(state, inference) ? 'READY' : 'UNAVAILABLE',
          reason: reasonOf(state, inference.ready),
        }));
    },
  );
}

function parseReady(body: Buffer | undefined): boolean {
  if (body === undefined || body.length === 0) return false;
  return parseBoolean(parseObject(parseJson(body, 'The body'), 'The body').ready, 'ready', false);
}

function reasonOf({ stopping }: ServerState, ready: boolean): string {
  if (stopping) return 'the server is stopping';
  return ready ? '' : 'the first forward has not finished';
}

export const repositoryApi: OpenApiPart = {
  paths: {
    '/v2/repository/index': {
      post: {
        operationId: 'repositoryIndex',
        summary: 'The models and whether they are ready',
        requestBody: { content: jsonContent(object({ ready: { type: 'boolean' } }, [])) },
        responses: {
          ...ok(list(object({ name: string, version: string, state: string, reason: string }))),
          ...errors(400, 401, 413, 415),
        },
      },
    },
  },
};
