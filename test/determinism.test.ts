import { createHash } from 'node:crypto';
import { ResNet } from '../lib/index';
import { randomTensor } from './support/tensors';
import { runScript } from './support/node';

test('the same seed and input give the same bits, in another process too', async () => {
  const script = `
    const { ResNet, Tensor } = require('./dist');
    const net = new ResNet(18, 10, { seed: 11 });
    const y = net.forwardSync(new Tensor(Float32Array.from({ length: 3072 }, (_, i) => Math.sin(i)), [1, 3, 32, 32]));
    console.log(Buffer.from(y.data.buffer).toString('hex'));
  `;
  const [one, two] = await Promise.all([runScript(script), runScript(script)]);
  expect(one.stderr).toBe('');
  expect(one.stdout).toMatch(/^[0-9a-f]{80}\n$/);
  expect(two.stdout).toBe(one.stdout);
});

test('drawing initial values leaves two networks made in turn independent of each other', () => {
  const digest = (net: ResNet): string => {
    const hash = createHash('sha256');
    for (const [name, { data }] of net.stateDict()) hash.update(name).update(data);
    return hash.digest('hex');
  };
  const alone = digest(new ResNet(18, 10, { seed: 2 }));
  expect(digest(new ResNet(18, 10))).not.toBe(alone);
  expect(digest(new ResNet(18, 10, { seed: 2 }))).toBe(alone);
});

test('concurrent forwards answer what each answers alone', async () => {
  const net = new ResNet(18, 10, { seed: 2 });
  const xs = Array.from({ length: 6 }, () => randomTensor([2, 3, 48, 48]));
  const alone = xs.map((x) => net.forwardSync(x).data);
  const together = await Promise.all(xs.map((x) => net.forward(x)));
  expect(together.map((y) => y.data)).toEqual(alone);
});
