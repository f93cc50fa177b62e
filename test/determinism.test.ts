import { createHash } from 'node:crypto';
import { addon } from '../lib/native/addon';
import { ResNet, Tensor, type OptimizedDType } from '../lib/index';
import { randomTensor } from './support/tensors';
import { relativeDifference } from './support/judge';
import { runScript } from './support/node';
import { hasKernels, testOn } from './support/processor';

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

/** Of a batch: the images [from, to), alone. */
function part(x: Tensor, from: number, to: number): Tensor {
  const size = x.size / x.shape[0]!;
  return new Tensor(x.data.slice(from * size, to * size), [to - from, ...x.shape.slice(1)]);
}

const PARTS = [
  [0, 1],
  [4, 5],
  [1, 3],
  [2, 5],
] as const;

// Of our own kernels alone: libtorch's operators, which float32 has elsewhere, vary with the batch (see eager, below).
const describeKernels = hasKernels ? describe : describe.skip;
const TITLE = 'the same bits alone and in any batch, at any place, on one thread and on several, one or many at once';
describeKernels(TITLE, () => {
  const x = randomTensor([5, 3, 65, 65]);

  describe.each<OptimizedDType>(['float32', 'bfloat16', 'int8'])('%s', (dtype) => {
    testOn(dtype)('optimized', async () => {
      using net = new ResNet(18, 10, { seed: 2 });
      const calibration = dtype === 'int8' ? [x] : undefined;
      const networks = await Promise.all(
        [1, 2, 3].map((threads) => net.optimize({ dtype, threads, streams: threads, calibration })),
      );
      const expected = (await networks[0]!.forward(x)).toFloat32();
      for (const network of networks) {
        const again = await Promise.all([network.forward(x), network.forward(x), network.forward(x)]);
        for (const { data } of again) expect(data).toEqual(expected);
        for (const [from, to] of PARTS) {
          expect((await network.forward(part(x, from, to))).data).toEqual(expected.slice(10 * from, 10 * to));
        }
        network.dispose();
      }
    });
  });
});

// libtorch shares sums out by the number of threads, and chooses its kernels by the size of the batch.
describe('eager: the same bits on as many threads; on others, and alone, within 1e-5 of the largest logit', () => {
  const xs = [randomTensor([5, 3, 65, 65]), randomTensor([1, 3, 32, 32])];

  test.each([18, 50] as const)('ResNet-%i', async (layers) => {
    using net = new ResNet(layers, 10, { seed: 2 });
    for (const x of xs) {
      const { data: expected } = await net.forward(x);
      for (const { data } of await Promise.all([1, 2, 3, 4].map(() => net.forward(x)))) expect(data).toEqual(expected);
    }
    const before = await Promise.all(xs.map((x) => net.forward(x)));
    addon().ensureInferenceThreads(addon().threads().streams + 2); // each with fewer threads inside, where there were several
    for (const [i, x] of xs.entries()) expect(relativeDifference(await net.forward(x), before[i]!)).toBeLessThan(1e-5);
    const batch = (await net.forward(xs[0]!)).toFloat32();
    for (const [from, to] of PARTS) {
      const y = await net.forward(part(xs[0]!, from, to));
      const expected = new Tensor(batch.slice(10 * from, 10 * to), [to - from, 10]);
      expect(relativeDifference(y, expected)).toBeLessThan(1e-5);
    }
  });
});
