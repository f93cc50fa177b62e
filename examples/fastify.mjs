// Adds the routes of `resnet serve` to a Fastify app, under a prefix: node examples/fastify.mjs [WEIGHTS]
//   curl -H 'Content-Type: image/jpeg' --data-binary @cat.jpg http://127.0.0.1:3000/vision/classify
import fastify from 'fastify';
import { resnetPlugin } from 'libtorch-resnet/serve';

// Loading weights, and answering what was accepted before closing, may take longer than Fastify's default of 10 s.
const app = fastify({ pluginTimeout: 60_000 });

// 'random:1' is untrained, for trials. Requests of all connections share batches.
const models = [{ name: 'resnet', weights: process.argv[2] ?? 'random:1' }];
await app.register(resnetPlugin, { prefix: '/vision', models, timeoutMs: 5000 });

app.get('/', () => ({ routes: ['/vision/classify', '/vision/features', '/vision/explain', '/vision/metrics'] }));

console.log(await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) }));
process.once('SIGTERM', () => app.close());
