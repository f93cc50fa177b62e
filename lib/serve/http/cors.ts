import fastifyCors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

/** Headers beyond those that CORS always allows. */
const REQUEST_HEADERS = [
  'Authorization',
  'Content-Type',
  'Inference-Header-Content-Length',
  'X-API-Key',
  'X-Request-Id',
  'X-Request-Timeout-Ms',
];
const RESPONSE_HEADERS = ['Inference-Header-Content-Length', 'Retry-After', 'X-Request-Id'];

/**
 * Allows cross-origin requests. Registered before the API key check: preflight requests (OPTIONS) carry no key.
 *
 * @param origins - empty: no CORS headers, so browsers block pages of other origins
 */
export function addCors(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  // Not awaited: Fastify runs its hooks before those that are added later.
  void app.register(fastifyCors, {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'POST'],
    allowedHeaders: REQUEST_HEADERS,
    exposedHeaders: RESPONSE_HEADERS,
    maxAge: 600, // seconds that a browser may cache the preflight response
  });
}
