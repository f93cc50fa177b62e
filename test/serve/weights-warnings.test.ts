import { join } from 'node:path';
import { ResNet } from '../../lib/index';
import { saveSafetensors } from '../../lib/weights/formats/save-safetensors';
import { root, run } from '../support/node';
import { temporaryFolder } from '../support/files';
import { fixture } from '../image/pictures';

/** Weights with a NaN, under a wrapper's prefix, with a tensor of something else beside them. */
const path = join(temporaryFolder(), 'nan.safetensors');
beforeAll(async () => {
  using net = new ResNet(18, 3, { seed: 1 });
  const state = net.stateDict();
  (state.get('fc.bias')!.data as Float32Array)[1] = NaN;
  const tensors = [...state].map(([name, tensor]) => [`net.${name}`, tensor] as const);
  await saveSafetensors(path, new Map([...tensors, ['loss.weight', state.get('fc.bias')!]]));
});

test('a server logs each warning about its weights, and counts them in a metric', async () => {
  const source = `
    const { createServer } = require('./dist/serve');
    (async () => {
      const models = [
        { name: 'bad', weights: ${JSON.stringify(path)}, prefix: undefined },
        { name: 'good', weights: ${JSON.stringify(path)}, prefix: 'net.' },
        { name: 'random', weights: 'random:1', layers: 18 },
      ];
      const server = await createServer({ models });
      const { body } = await server.inject('/metrics');
      console.log(body);
      await server.close();
    })();
  `;
  const { code, stdout, stderr } = await run(process.execPath, ['-e', source]);
  expect(code).toBe(0);
  const count = (model: string): string | undefined =>
    new RegExp(`^resnet_weights_warnings\\{model="${model}",version="1"\\} (\\d+)$`, 'm').exec(stdout)?.[1];
  expect([count('bad'), count('good'), count('random')]).toEqual(['2', '1', '0']);
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { level: number; model: string; msg: string });
  const warned = lines.filter(({ level, msg }) => level === 40 && msg.startsWith(path));
  expect(warned.map(({ model, msg }) => `${model}: ${msg.slice(path.length)}`)).toEqual([
    'bad:  has 1 tensor beside the network that is not loaded: loss.weight.',
    'bad:  has values that are NaN or infinite in 1 tensor: fc.bias.',
    'good:  has values that are NaN or infinite in 1 tensor: fc.bias.',
  ]);
});

test.each([
  ['classify', [fixture('small.png')]],
  ['features', [fixture('small.png')]],
  ['explain', [fixture('small.png'), '-o', join(path, '..', 'map.png'), '--force']],
  ['convert', []],
])('resnet %s warns on stderr', async (command, args) => {
  const more = command === 'convert' ? [path, join(path, '..', 'out.safetensors')] : ['--weights', path];
  const { stderr } = await run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), command, ...args, ...more]);
  expect(stderr).toContain(`resnet: warning: ${path} has values that are NaN or infinite in 1 tensor: fc.bias.\n`);
  expect(stderr).toContain('loss.weight');
});
