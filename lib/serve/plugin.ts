import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { ResNetError } from '../errors';
import { Access } from './http/access';
import { addCors } from './http/cors';
import { addGate } from './http/gate';
import { answerUnknownPaths } from './http/unknown-path';
import { Inference } from './inference';
import { Metrics } from './metrics';
import { loadModels, type Model } from './model';
import { addModelRoutes } from './oip/model-routes';
import { addRepositoryRoutes } from './oip/repository';
import { addServerRoutes } from './oip/server-routes';
import { openapi } from './openapi';
import { checkServeOptions, type ServeOptions } from './options';
import { addClassify } from './routes/classify';
import { addExplain } from './routes/explain';
import { addFeatures } from './routes/features';
import { addMetrics } from './routes/metrics';
import { addPage } from './routes/page';
import type { ServerState } from './state';
import { addV1Routes } from './v1/routes';

/**
 * All routes of a server, for a Fastify app of your own; a prefix is prepended to their paths.
 *
 * Closing the app waits for the requests in flight and then frees the networks. Fastify's `pluginTimeout` (10 s by
 * default) limits both loading and that wait: create the app with one that is longer than `drainMs`, or 0 for none.
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
 * The plugin with models that are already loaded.
 *
 * @internal
 * @param onDrained - called while closing, once no request is in flight any more
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
  for (const model of models)
    inferences.set(model.name, new Inference(model, limits, metrics.of(model.name, model.warnings?.length)));
  const access = new Access(apiKeys, limits.requestsPerSecond);
  const state: ServerState = { inferences, limits, access, metrics, stopping: false, inFlight: 0 };

  if (app.prefix !== '') answerUnknownPaths(app); // without a prefix unknown paths are those of the whole app
  addCors(app, cors);
  addGate(app, state);
  addClosing(app, state, onDrained);
  const version = packageVersion();
  addServerRoutes(app, state, version);
  addModelRoutes(app, state);
  addRepositoryRoutes(app, state);
  addV1Routes(app, state);
  addClassify(app, state);
  addFeatures(app, state);
  addExplain(app, state);
  addPage(app, state);
  addMetrics(app, state);
  app.get('/openapi.json', { config: { public: true } }, () => openapi(version));

  for (const inference of inferences.values()) warmUp(app, inference);
  return Promise.resolve();
}

/** Not awaited: the server listens and reports that it is not ready. */
function warmUp(app: FastifyInstance, inference: Inference): void {
  const { name, random, warnings = [] } = inference.model;
  for (const warning of warnings) app.log.warn({ model: name }, warning);
  if (random) {
    app.log.warn({ model: name }, 'the weights are random: the network is untrained, its answers mean nothing');
  }
  inference.warmUp().then(
    () => app.log.info({ model: name }, 'ready'),
    (error: unknown) => {
      const noPictures = error instanceof ResNetError && error.code === 'ERR_DEPENDENCY';
      const problem = noPictures ? 'not ready: pictures cannot be read' : 'not ready: the first forward failed';
      app.log.error({ model: name, err: error }, problem);
    },
  );
}

/** On close: reports not ready, rejects new work, waits for the requests in flight, then frees the networks. */
function addClosing(app: FastifyInstance, state: ServerState, onDrained: (() => void) | undefined): void {
  app.addHook('preClose', async () => {
    state.stopping = true;
    const deadline = performance.now() + state.limits.drainMs;
    while (state.inFlight > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
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
