import type { FastifyInstance } from 'fastify';
import { errors } from '../http/error-response';
import { string, type OpenApiPart } from '../openapi-schema';
import type { ServerState } from '../state';

/** `GET /metrics`: in Prometheus' text format. */
export function addMetrics(app: FastifyInstance, { metrics }: ServerState): void {
  app.get('/metrics', async (_, reply) => reply.type(metrics.contentType).send(await metrics.text()));
}

export const metricsApi: OpenApiPart = {
  paths: {
    '/metrics': {
      get: {
        operationId: 'metrics',
        summary: "Prometheus' metrics, by Triton's names",
        responses: { 200: { description: 'OK', content: { 'text/plain': { schema: string } } }, ...errors(400, 401) },
      },
    },
  },
};
