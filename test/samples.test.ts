import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { ResNet } from '../lib/resnet';
import { createServer } from '../lib/serve';
import { publishedWeights } from '../lib/weights/published/catalog';
import { fixture } from './image/pictures';
import { root, run } from './support/node';
import { testOn } from './support/processor';
import { samples } from './support/samples';

/** The TypeScript samples in README.md and docs/ run as they stand, in a folder that has the files that they name. */

const folder = mkdtempSync(join(tmpdir(), 'resnet-samples-'));
const cache = join(folder, 'cache');
let server: Awaited<ReturnType<typeof createServer>>;
let port: number;

beforeAll(async () => {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'libtorch-resnet'));
  symlinkSync(join(root, 'node_modules', 'fastify'), join(folder, 'node_modules', 'fastify'));
  copyFileSync(fixture('landscape.jpg'), join(folder, 'cat.jpg'));
  const weights = join(folder, 'resnet50.safetensors');
  using net = new ResNet(50, 1000, { seed: 1 });
  await net.save(weights);
  // A file in the cache is not downloaded again.
  mkdirSync(join(cache, 'weights'), { recursive: true });
  const { url } = publishedWeights('DEFAULT', 50);
  symlinkSync(weights, join(cache, 'weights', url.slice(url.lastIndexOf('/') + 1)));
  server = await createServer({ models: [{ name: 'resnet50', weights: 'random:1', layers: 18 }], logLevel: 'silent' });
  await server.listen({ port: 0 });
  ({ port } = server.server.address() as AddressInfo);
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

describe.each(samples())('$name', ({ code }) => {
  const dtype = (['bfloat16', 'int8'] as const).find((name) => code.includes(`dtype: '${name}'`)) ?? 'float32';
  testOn(dtype)('runs', () => runSample(code));
});

async function runSample(code: string): Promise<void> {
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  const script = ts.transpileModule(code, { compilerOptions }).outputText;
  // Port 8000 may be taken here: a server gets a free one, and a client the one that listens.
  const local = script.replace('port: 8000', 'port: 0').replace('127.0.0.1:8000', `127.0.0.1:${port}`);
  const ended = await run(process.execPath, ['--input-type=module', '-e', local], {
    cwd: folder,
    env: { LIBTORCH_RESNET_CACHE: cache, NODE_ENV: 'test' },
  });
  expect(ended).toMatchObject({ code: 0, signal: null });
}
