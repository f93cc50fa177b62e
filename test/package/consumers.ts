/** An answer that every consumer prints, as one hash. */
export const answer = `
const x = new Tensor(Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => Math.sin(i)), [1, 3, 32, 32]);
const print = ({ data }) => console.log(createHash('sha256').update(data).digest('hex'));
new ResNet(18, 10, { seed: 4 }).forward(x).then(print);
`;

const unbuilt = `
try {
  new ResNet(18);
} catch ({ code, message }) {
  console.log(JSON.stringify({ code, message }));
}
`;

/** Uses the types of all three entry points. */
export const typedProgram = (): string => `import { ResNet, Tensor } from 'libtorch-resnet';${typed}${typedServer}`;

const typed = `
const net: ResNet = new ResNet(18, 10, { device: 'cpu' });
export const answer: Promise<Tensor> = net.forward(new Tensor([0, 0, 0], [1, 3, 1, 1]));
// @ts-expect-error no such depth
export const refused = new ResNet(20);
`;

const typedServer = `
import { createServer } from 'libtorch-resnet/serve';
import { ResNetClient } from 'libtorch-resnet/client';
export const server = createServer({ models: [{ weights: 'random', layers: 50 }] }).then((app) => app.listen());
export const label: Promise<string | undefined> = new ResNetClient('http://a').classify(new Uint8Array()).then(([best]) => best?.label);
// @ts-expect-error no models
export const refusedServer = createServer({});
`;

/** Programs of the package's users, each by its file's name. */
export const consumers: Readonly<Record<string, string>> = {
  'unbuilt.cjs': `const { ResNet } = require('libtorch-resnet');${unbuilt}`,
  'unbuilt.mjs': `import { ResNet } from 'libtorch-resnet';${unbuilt}`,

  'consumer.cjs': `
    const { createHash } = require('node:crypto');
    const { ResNet, Tensor } = require('libtorch-resnet');
    ${answer}`,

  'consumer.mjs': `
    import { createHash } from 'node:crypto';
    import { ResNet, Tensor } from 'libtorch-resnet';
    ${answer}`,

  // A Tensor made through require is one to a ResNet made through import.
  'mixed.mjs': `
    import { createHash } from 'node:crypto';
    import { createRequire } from 'node:module';
    import { ResNet } from 'libtorch-resnet';
    const { Tensor } = createRequire(import.meta.url)('libtorch-resnet');
    ${answer}`,

  'worker.mjs': `
    import { Worker } from 'node:worker_threads';
    new Worker(new URL('./consumer.mjs', import.meta.url));
  `,

  // Node's own test runner loads each file in a process of its own.
  'consumer.test.mjs': `
    import assert from 'node:assert';
    import test from 'node:test';
    import { ResNet, Tensor } from 'libtorch-resnet';
    test('forward', async () => {
      const { shape } = await new ResNet(18, 10).forward(new Tensor(new Float32Array(3), [1, 3, 1, 1]));
      assert.deepStrictEqual(shape, [1, 10]);
    });
  `,

  'served.mjs': `
    import { createServer } from 'libtorch-resnet/serve';
    import { ResNetClient } from 'libtorch-resnet/client';
    const server = await createServer({ models: [{ weights: 'random:1', layers: 18 }], logLevel: 'silent' });
    const client = new ResNetClient(await server.listen({ port: 0 }), { model: 'resnet18' });
    const { shape } = await client.infer(new (await import('libtorch-resnet')).Tensor([0, 0, 0], [1, 3, 1, 1]));
    console.log(shape.join());
    await server.close();`,

  'typed.cts': typedProgram(),
  'typed.mts': typedProgram(),
};
