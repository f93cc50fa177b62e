import type { FastifyInstance } from 'fastify';
import { ResNetError } from '../../errors';
import type { ServerState } from '../state';
import { errorResponseOf } from './error-response';
import { onReplyEnd } from './reply-end';

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
  }
}

/** What all requests have in common: headers, API key, body as bytes, errors. */
export function addGate(app: FastifyInstance, state: ServerState): void {
  app.decorateRequest('receivedAt', 0);
  app.addHook('onRequest', (request, reply, done) => {
    request.receivedAt = performance.now();
    void reply.header('X-Request-Id', request.id).header('X-Content-Type-Options', 'nosniff');
    const { config } = request.routeOptions;
    if (config.public !== true) state.access.check(request.headers);
    if (config.inference === true) {
      if (state.stopping) throw new ResNetError('ERR_STOPPING', 'The server is stopping.');
      const { 'content-encoding': encoding = 'identity' } = request.headers;
      if (encoding !== 'identity') {
        throw new ResNetError('ERR_MEDIA_TYPE', 'Bodies must come as they are, without Content-Encoding.');
      }
      state.inFlight++;
      onReplyEnd(reply, () => state.inFlight--);
    }
    done();
  });
  // Bodies of any type arrive as bytes; the routes parse them.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: state.limits.maxBodyBytes }, (_, body, done) =>
    done(null, body),
  );
  addErrorHandler(app, state);
}

/**
 * Answers every error in the one form that {@link errorResponseOf} gives it.
 *
 * @internal
 */
export function addErrorHandler(app: FastifyInstance, state?: Pick<ServerState, 'stopping'>): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, body, retryAfter } = errorResponseOf(error);
    if (status >= 500 && body.code === 'ERR_INTERNAL') request.log.error({ err: error }, 'failed');
    else request.log.info({ code: body.code, reason: body.error }, 'refused');
    if (retryAfter !== undefined) void reply.header('Retry-After', retryAfter);
    if (status === 401) void reply.header('WWW-Authenticate', 'Bearer');
    // Fastify would close the connection while the client still sends its body, and the client would never read the
    // response. Without this header Node discards the rest of the body.
    if (status === 413) void reply.removeHeader('Connection');
    if (state?.stopping === true) void reply.header('Connection', 'close');
    return reply.code(status).send(body);
  });
}
