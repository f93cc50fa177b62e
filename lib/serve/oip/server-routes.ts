import type { FastifyInstance } from 'fastify';
import { errors } from '../http/error-response';
import { jsonContent, list, object, ok, string, type OpenApiPart } from '../openapi-schema';
import { isReady, type ServerState } from '../state';
import { serverMetadata } from './metadata';

/** The server's own routes of the Open Inference Protocol: metadata and health. */
export function addServerRoutes(app: FastifyInstance, state: ServerState, version: string): void {
  app.get('/v2', () => serverMetadata(version));
  app.get('/v2/health/live', { config: { public: true } }, () => ({ live: true }));
  app.get('/v2/health/ready', { config: { public: true } }, (_, reply) => {
    const ready = isReady(state);
    return reply.code(ready ? 200 : 503).send({ ready });
  });
}

export const serverApi: OpenApiPart = {
  paths: {
    '/v2': {
      get: {
        operationId: 'serverMetadata',
        summary: 'The server',
        responses: { ...ok(object({ name: string, version: string, extensions: list(string) })), ...errors(400, 401) },
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
          503: { description: 'Not yet, or no longer', content: jsonContent(object({ ready: { const: false } })) },
        },
      },
    },
  },
};
