import type { IncomingMessage, ServerResponse } from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { checkServeOptions, checkSocketLimits, type ServerOptions } from './options';
import { loadModels, type Model } from './model';
import { addRefusals, addRoutes } from './plugin';
import { badRequest, refusalOf } from './refusal';

/**
 * A server of ResNets over HTTP: the Open Inference Protocol (version 2), and routes for people. Its networks are
 * loaded when it resolves; `listen` opens it, `close` lets what was accepted finish and frees the networks.
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

/** A server with networks that are there already. @internal */
export async function serverOf(options: ServerOptions, models: readonly Model[]): Promise<FastifyInstance> {
  const { limits } = checkServeOptions(options);
  const { receiveMs, maxHeaderBytes, maxConnections } = checkSocketLimits(options);
  const { logLevel = 'info', tls } = options;
  // Node looks for slow clients every 30 s otherwise.
  const http = {
    maxHeaderSize: maxHeaderBytes,
    connectionsCheckingInterval: Math.min(receiveMs, 1000),
    requireHostHeader: false, // Node's own refusal has no body; ours is below
  };
  const app = fastify({
    ...(tls === undefined ? { http } : { https: { ...tls, ...http } }),
    logger: { level: logLevel, stream: process.stderr },
    pluginTimeout: 0, // would end what closing waits for after 10 s
    bodyLimit: limits.maxBodyBytes,
    routerOptions: { maxParamLength: maxHeaderBytes }, // a model's name that is longer than any is unknown as others are
    requestTimeout: receiveMs,
    requestIdHeader: 'x-request-id',
    return503OnClosing: false, // ours says why, in the form that every refusal has
    forceCloseConnections: 'idle',
    frameworkErrors: (error, _, reply) => {
      const { status, body } = refusalOf(error);
      void (reply as unknown as FastifyReply).code(status).send(body);
    },
    clientErrorHandler(error, socket) {
      const { status, text } = MALFORMED[error.code] ?? { status: '400 Bad Request', text: 'The request is not HTTP.' };
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
    const body = JSON.stringify({ error: 'Nothing but 100-continue may be expected.', code: 'ERR_REQUEST' });
    response.writeHead(417, { 'Content-Type': 'application/json' }).end(body);
  });
  app.addHook('onRequest', ({ headers, raw }, _, done) => {
    if (headers.host === undefined && raw.httpVersion === '1.1') throw badRequest('The header Host is missing.');
    done();
  });
  addRefusals(app); // where no route is found either: QUERY without a Content-Type, for one
  app.setNotFoundHandler((_, reply) =>
    reply.code(404).send({ error: 'There is nothing here.', code: 'ERR_NOT_FOUND' }),
  );
  // A connection over which nothing was asked yet is not idle to Node, and would hold up the end until it times out.
  const hangUp = (): void => void setTimeout(() => app.server.closeAllConnections(), LAST_BYTES_MS).unref();
  await app.register((scope) => addRoutes(scope, options, models, hangUp));
  return app;
}

/** For answers that are on their way to a slow client. */
const LAST_BYTES_MS = 500;

/** What Node itself finds wrong, before there is a request. */
const MALFORMED: Record<string, { status: string; text: string }> = {
  HPE_HEADER_OVERFLOW: { status: '431 Request Header Fields Too Large', text: 'The headers are too large.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', text: 'The request took too long to come.' },
};
