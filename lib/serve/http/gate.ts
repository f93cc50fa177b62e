import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { inspect, ResNetError } from '../../errors';
import type { ServerState } from '../state';
import { readBody } from './body';
import { badRequest, errorResponseOf } from './error-response';
import { onReplyEnd } from './reply-end';
import { readablePath } from './unknown-path';

declare module 'fastify' {
  interface FastifyRequest {
    /** When it came, by performance.now(). */
    receivedAt: number;
  }
  interface FastifyContextConfig {
    /** Needs no API key: health checks and the page itself. */
    public?: boolean;
    /** Runs a network: rejected once the server is closing, and awaited before it closes. */
    inference?: boolean;
    /** The names of its query parameters; others are rejected. Default: none. */
    query?: readonly string[];
  }
}

/** What all requests have in common: headers, API key, body as bytes, errors. */
export function addGate(app: FastifyInstance, state: ServerState): void {
  app.decorateRequest('receivedAt', 0);
  app.addHook('onRequest', (request, reply, done) => {
    request.receivedAt = performance.now();
    void reply.header('X-Request-Id', request.id).header('X-Content-Type-Options', 'nosniff');
    const { config } = request.routeOptions;
    if (config.public !== true) {
      state.access.check(request.headers);
      checkQuery(request, config.query ?? []);
    }
    if (config.inference === true) {
      if (state.stopping) throw new ResNetError('ERR_STOPPING', 'The server is stopping.');
      state.inFlight++;
      onReplyEnd(reply, () => state.inFlight--);
    }
    done();
  });
  // Bodies of any type arrive as bytes; the routes parse them.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', ({ headers }: FastifyRequest, payload: IncomingMessage) =>
    readBody(payload, headers, state.limits.maxBodyBytes),
  );
  addErrorHandler(app, state);
}

/** @throws ERR_REQUEST for a query parameter that the route does not have, such as a misspelled one */
function checkQuery({ query, routeOptions }: FastifyRequest, known: readonly string[]): void {
  const unknown = Object.keys(query as object).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const names = known.length === 0 ? 'none' : known.join(', ');
  throw badRequest(
    `Unknown query parameter ${inspect(unknown)}; ${readablePath(routeOptions.url ?? '')} has ${names}.`,
  );
}

/**
 * Answers every error in the one form that {@link errorResponseOf} gives it.
 *
 * @internal
 */
export function addErrorHandler(app: FastifyInstance, state?: Pick<ServerState, 'stopping'>): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, body, headers } = errorResponseOf(error);
    if (status >= 500 && body.code === 'ERR_INTERNAL') request.log.error({ err: error }, 'failed');
    else request.log.info({ code: body.code, reason: body.error }, 'refused');
    void reply.headers(headers);
    // Fastify would close the connection while the client still sends its body, and the client would never read the
    // response. Without this header Node discards the rest of the body.
    void reply.removeHeader('Connection');
    if (state?.stopping === true) void reply.header('Connection', 'close');
    return reply.code(status).send(body);
  });
}
