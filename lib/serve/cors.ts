import fastifyCors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

/** What a client may send beyond the few headers that every page may, and read beyond the few that every page can. */
const SENT = [
  'Authorization',
  'Content-Type',
  'Inference-Header-Content-Length',
  'X-API-Key',
  'X-Request-Id',
  'X-Request-Timeout-Ms',
];
const READ = ['Inference-Header-Content-Length', 'Retry-After', 'X-Request-Id'];

/**
 * Lets pages of other origins ask. Comes before the gate: browsers ask for leave (OPTIONS) without a key.
 *
 * @param origins - empty: nothing is added, and browsers keep other origins' pages away from the answers
 */
export function addCors(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  // Not awaited: Fastify adds the hooks that are asked for after it once it is there.
  void app.register(fastifyCors, {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'POST'],
    allowedHeaders: SENT,
    exposedHeaders: READ,
    maxAge: 600, // seconds that a browser may remember the leave
  });
}
