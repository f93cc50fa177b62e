import type { IncomingMessage, ServerResponse } from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { badRequest, errorResponseOf } from './http/error-response';
import { addErrorHandler } from './http/gate';
import { answerUnknownPaths } from './http/unknown-path';
import { checkServeOptions, checkSocketLimits, type ServerOptions } from './options';
import { loadModels, type Model } from './model';
import { addRoutes } from './plugin';

/**
 * Creates a server of ResNets over HTTP: the Open Inference Protocol (version 2), and routes for people. It resolves
 * when the networks are loaded. `listen` starts it; `close` waits for the requests in flight and frees the networks.
 *
 * @throws ERR_ARGUMENT, and as ResNet.load and ResNet.optimize
 *
 * @example
 * const server = await createServer({ models: [{ weights: 'resnet50.safetensors', dtype: 'bfloat16' }] });
 * await server.listen({ port: 8000 });
 */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  checkServeOptions(options);
  checkSocketLimits(options);
  return serverOf(options, await loadModels(options.models));
}

/** A server with models that are already loaded. @internal */
export async function serverOf(options: ServerOptions, models: readonly Model[]): Promise<FastifyInstance> {
  const { limits } = checkServeOptions(options);
  const { receiveMs, maxHeaderBytes, maxConnections } = checkSocketLimits(options);
  const { logLevel = 'info', tls } = options;
  const http = {
    maxHeaderSize: maxHeaderBytes,
    connectionsCheckingInterval: Math.min(receiveMs, 1000), // Node's default checks for slow clients every 30 s
    requireHostHeader: false, // Node's own error response has no body; ours is below
  };
  const app = fastify({
    ...(tls === undefined ? { http } : { https: { ...tls, ...http } }),
    logger: { level: logLevel, stream: process.stderr },
    pluginTimeout: 0, // by default, closing would wait for at most 10 s
    bodyLimit: limits.maxBodyBytes,
    routerOptions: {
      ignoreTrailingSlash: true,
      maxParamLength: maxHeaderBytes, // a name that is too long gets the 404 of any unknown one
    },
    requestTimeout: receiveMs,
    requestIdHeader: 'x-request-id',
    return503OnClosing: false, // our own 503 has the body that all errors have
    forceCloseConnections: 'idle',
    frameworkErrors: (error, _, reply) => {
      const { status, body } = errorResponseOf(error);
      void (reply as unknown as FastifyReply).code(status).send(body);
    },
    clientErrorHandler(error, socket) {
      const { status, text } = PARSER_ERRORS[error.code] ?? {
        status: '400 Bad Request',
        text: 'The request is not HTTP.',
      };
      const body = JSON.stringify({ error: text, code: 'ERR_REQUEST' });
      if (socket.writable) {
        socket.write(
          `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
            `Content-Length: ${body.length}\r\n\r\n${body}`,
        );
      }
      socket.destroySoon();
    },
  }) as unknown as FastifyInstance;
  app.server.headersTimeout = receiveMs;
  app.server.maxConnections = maxConnections;
  app.server.on('checkExpectation', (_: IncomingMessage, response: ServerResponse) => {
    const body = JSON.stringify({ error: 'The only supported Expect is 100-continue.', code: 'ERR_REQUEST' });
    response.writeHead(417, { 'Content-Type': 'application/json' }).end(body);
  });
  app.addHook('onRequest', ({ headers, raw }, _, done) => {
    if (headers.host === undefined && raw.httpVersion === '1.1') throw badRequest('The header Host is missing.');
    done();
  });
  addErrorHandler(app); // for requests without a route too, such as QUERY without a Content-Type
  answerUnknownPaths(app);
  // To Node, a connection without a request yet is not idle: closing would wait until it times out.
  const closeConnections = (): void => void setTimeout(() => app.server.closeAllConnections(), LAST_BYTES_MS).unref();
  await app.register((scope) => addRoutes(scope, options, models, closeConnections));
  return app;
}

/** How long a slow client may take to receive the last responses. */
const LAST_BYTES_MS = 500;

/** Errors of Node's HTTP parser, which come before there is a request. */
const PARSER_ERRORS: Record<string, { status: string; text: string }> = {
  HPE_HEADER_OVERFLOW: { status: '431 Request Header Fields Too Large', text: 'The headers are too large.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', text: 'The request took too long to arrive.' },
};
