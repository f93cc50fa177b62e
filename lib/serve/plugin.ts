import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { ResNetError } from '../errors';
import { Access } from './access';
import { addCors } from './cors';
import { Inference } from './inference';
import { Metrics } from './metrics';
import { loadModels, type Model } from './model';
import { addClassify } from './classify-routes';
import { addExplain } from './explain-routes';
import { addOip } from './oip-routes';
import { openapi } from './openapi';
import { checkServeOptions, type ServeOptions } from './options';
import { whenOver } from './over';
import { addPage } from './page-routes';
import { refusalOf } from './refusal';
import type { ServerState } from './state';

declare module 'fastify' {
  interface FastifyRequest {
    /** When it came, by performance.now(). */
    since: number;
  }
  interface FastifyContextConfig {
    /** Needs no API key: what probes and browsers ask first. */
    open?: boolean;
    /** Makes the networks work: refused once the server stops, awaited before it does. */
    work?: boolean;
  }
}

/**
 * All routes of a server, for an app of one's own; a prefix goes before their paths.
 *
 * Closing the app lets what was accepted finish, and frees the networks. Fastify's `pluginTimeout` (10 s by default) bounds
 * both loading and that: give the app one that is longer than `drainMs`, or 0 for none.
 *
 * @throws ERR_ARGUMENT, and as ResNet.load and ResNet.optimize
 *
 * @example
 * await app.register(resnetPlugin, { prefix: '/vision', models: [{ weights: 'resnet50.safetensors' }] });
 */
export const resnetPlugin: FastifyPluginAsync<ServeOptions> = async (app, options) => {
  checkServeOptions(options);
  await addRoutes(app, options, await loadModels(options.models));
};

/**
 * The plugin with networks that are there already.
 *
 * @internal
 * @param onDrained - called while closing, once what was accepted is answered
 */
export function addRoutes(
  app: FastifyInstance,
  options: ServeOptions,
  models: readonly Model[],
  onDrained?: () => void,
): Promise<void> {
  const { limits, apiKeys, cors } = checkServeOptions(options);
  const inferences = new Map<string, Inference>();
  const metrics = new Metrics(() => [...inferences].map(([name, { pending }]) => [name, pending] as const));
  for (const model of models) inferences.set(model.name, new Inference(model, limits, metrics.of(model.name)));
  const access = new Access(apiKeys, limits.requestsPerSecond);
  const state: ServerState = { inferences, limits, access, metrics, stopping: false, inFlight: 0 };

  addCors(app, cors);
  addGate(app, state);
  addEnd(app, state, onDrained);
  const version = packageVersion();
  addOip(app, state, version);
  addClassify(app, state);
  addExplain(app, state);
  addPage(app, state);
  app.get('/openapi.json', { config: { open: true } }, () => openapi(version));
  app.get('/metrics', async (_, reply) => reply.type(metrics.contentType).send(await metrics.text()));

  for (const inference of inferences.values()) {
    const { name, random } = inference.model;
    if (random)
      app.log.warn({ model: name }, 'the weights are random: the network is untrained, its answers mean nothing');
    inference.warmUp().then(
      () => app.log.info({ model: name }, 'ready'),
      (error: unknown) => app.log.error({ model: name, err: error }, 'the first forward failed'),
    );
  }
  return Promise.resolve();
}

/** What every request goes through: its key, its body as bytes, its refusal. */
function addGate(app: FastifyInstance, state: ServerState): void {
  app.decorateRequest('since', 0);
  app.addHook('onRequest', (request, reply, done) => {
    request.since = performance.now();
    void reply.header('X-Request-Id', request.id).header('X-Content-Type-Options', 'nosniff');
    const { open, work } = request.routeOptions.config;
    if (open !== true) state.access.check(request.headers);
    if (work === true) {
      if (state.stopping) throw new ResNetError('ERR_STOPPING', 'The server is stopping.');
      const { 'content-encoding': encoding = 'identity' } = request.headers;
      if (encoding !== 'identity') {
        throw new ResNetError('ERR_MEDIA_TYPE', 'Bodies must come as they are, without Content-Encoding.');
      }
      state.inFlight++;
      whenOver(reply, () => state.inFlight--);
    }
    done();
  });
  // Every body is bytes; what it means is for the route to say.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: state.limits.maxBodyBytes }, (_, body, done) =>
    done(null, body),
  );
  addRefusals(app, state);
}

/**
 * Every error becomes a refusal in its one form.
 *
 * @internal
 */
export function addRefusals(app: FastifyInstance, state?: Pick<ServerState, 'stopping'>): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, body, retryAfter } = refusalOf(error);
    if (status >= 500 && body.code === 'ERR_INTERNAL') request.log.error({ err: error }, 'failed');
    else request.log.info({ code: body.code, reason: body.error }, 'refused');
    if (retryAfter !== undefined) void reply.header('Retry-After', retryAfter);
    if (status === 401) void reply.header('WWW-Authenticate', 'Bearer');
    // Fastify would hang up on a client that still sends its body, and then does not read why. Node drops the rest.
    if (status === 413) void reply.removeHeader('Connection');
    if (state?.stopping === true) void reply.header('Connection', 'close');
    return reply.code(status).send(body);
  });
}

/** Closing: not ready at once, nothing new, what was accepted is answered, then the networks go. */
function addEnd(app: FastifyInstance, state: ServerState, onDrained: (() => void) | undefined): void {
  app.addHook('preClose', async () => {
    state.stopping = true;
    const until = performance.now() + state.limits.drainMs;
    while (state.inFlight > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10));
    if (state.inFlight > 0) app.log.warn({ inFlight: state.inFlight }, 'not everything was answered in time');
    onDrained?.();
  });
  app.addHook('onClose', () => {
    for (const { model } of state.inferences.values()) model.network.dispose();
  });
}

function packageVersion(): string {
  const text = readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
