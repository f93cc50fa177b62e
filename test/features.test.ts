import { BasicBlock, BottleneckBlock, ResNet, Tensor, type Layers } from '../lib/index';
import { run } from './support/node';
import { randomTensor } from './support/tensors';

/** The largest difference, relative to the largest value. */
function difference(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(got).toHaveLength(expected.length);
  const values = Array.from(expected);
  const largest = Math.max(...values.map(Math.abs));
  return Math.max(...values.map((value, i) => Math.abs(value - (got[i] ?? NaN)))) / largest;
}

/** [N, C, H, W] -> its means over height and width, [N, C] */
function means({ data, shape }: Tensor): number[] {
  const [n = 0, c = 0, h = 0, w = 0] = shape;
  const values = Array.from(data as Float32Array);
  return Array.from({ length: n * c }, (_, i) => {
    const place = values.slice(i * h * w, (i + 1) * h * w);
    return place.reduce((sum, value) => sum + value, 0) / (h * w);
  });
}

/** The state of one block of a network, under the block's own names. */
function stateOfBlock(net: ResNet, index: number): Map<string, Tensor> {
  const prefix = `residual_block.${index}.`;
  const entries = [...net.stateDict()].filter(([name]) => name.startsWith(prefix));
  return new Map(entries.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

const CHANNELS = { 18: [64, 128, 256, 512], 50: [256, 512, 1024, 2048] };

describe.each<[18 | 50]>([[18], [50]])('ResNet-%i', (layers) => {
  const net = new ResNet(layers as Layers, 7, { seed: 1 });
  afterAll(() => net.dispose());

  test('stages: four maps, each half as large, an odd side rounded up', async () => {
    const stages = await net.stages(randomTensor([2, 3, 64, 97]));
    const sizes = [[16, 25], [8, 13], [4, 7], [2, 4]]; // prettier-ignore
    expect(stages.map(({ shape }) => shape)).toEqual(CHANNELS[layers].map((c, i) => [2, c, ...sizes[i]!]));
    expect(stages.map(({ dtype }) => dtype)).toEqual(Array(4).fill('float32'));
  });

  test('the features are the means of the last map, and fc makes the logits of them', async () => {
    const x = randomTensor([2, 3, 96, 64]);
    const [features, stages, logits] = [await net.forwardFeatures(x), await net.stages(x), await net.forward(x)];
    expect([features.dtype, features.shape]).toEqual(['float32', [2, CHANNELS[layers][3]]]);
    expect(difference(features.data as Float32Array, means(stages[3]))).toBeLessThan(1e-5);
    const state = net.stateDict();
    const [weight, bias] = ['fc.weight', 'fc.bias'].map((name) => state.get(name)!.data as Float32Array);
    const c = CHANNELS[layers][3]!;
    const byHand = Array.from({ length: 14 }, (_, i) => {
      const [n, k] = [Math.floor(i / 7), i % 7];
      const terms = Array.from({ length: c }, (_, j) => Number(features.data[n * c + j]) * weight![k * c + j]!);
      return terms.reduce((a, b) => a + b, bias![k]!);
    });
    expect(difference(logits.data as Float32Array, byHand)).toBeLessThan(1e-5);
  });

  test("a stage's map is what its blocks make of the map before", async () => {
    const [before, after] = await net.stages(randomTensor([1, 3, 64, 64]));
    const [first, last] = layers === 18 ? [2, 4] : [3, 7];
    let x: Tensor = before;
    for (let i = first; i < last; i++) {
      const [from, to] = [x.shape[1]!, after.shape[1]!];
      using block = new (layers === 18 ? BasicBlock : BottleneckBlock)(from, to, i === first ? 2 : 1);
      block.loadStateDict(stateOfBlock(net, i));
      x = await block.forward(x);
    }
    expect(difference(after.data as Float32Array, x.data as Float32Array)).toBeLessThan(1e-5);
  });

  test('a class activation map: its mean plus the bias is the logit', async () => {
    const x = randomTensor([2, 3, 96, 64]);
    const bias = net.stateDict().get('fc.bias')!.data as Float32Array;
    using fast = await net.optimize();
    for (const classIndex of [undefined, 3]) {
      const { logits, classes, maps } = await fast.explain(x, classIndex);
      expect([logits.shape, classes.shape, maps.shape]).toEqual([[2, 7], [2], [2, 3, 2]]);
      const values = logits.data as Float32Array;
      for (const n of [0, 1]) {
        const row = [...values.subarray(7 * n, 7 * n + 7)];
        const index = classIndex ?? row.indexOf(Math.max(...row));
        expect((classes.data as BigInt64Array)[n]).toBe(BigInt(index));
        const map = [...(maps.data as Float32Array).subarray(6 * n, 6 * n + 6)];
        const mean = map.reduce((a, b) => a + b, 0) / 6;
        const largest = Math.max(...row.map(Math.abs));
        expect(Math.abs(mean + bias[index]! - row[index]!)).toBeLessThan(1e-5 * largest);
      }
      expect(difference((await net.forward(x)).data as Float32Array, values)).toBeLessThan(1e-5);
    }
  });
});

test('an optimized network has the same features', async () => {
  using net = new ResNet(18, 3, { seed: 2 });
  using fast = await net.optimize();
  const x = randomTensor([2, 3, 64, 64]);
  const [slow, quick] = [await net.forwardFeatures(x), await fast.forwardFeatures(x)];
  expect(difference(quick.data as Float32Array, slow.data as Float32Array)).toBeLessThan(1e-5);
});

test('a picture of one pixel', async () => {
  using net = new ResNet(18, 3, { seed: 2 });
  const stages = await net.stages(randomTensor([1, 3, 1, 1]));
  expect(stages.map(({ shape }) => shape)).toEqual([64, 128, 256, 512].map((c) => [1, c, 1, 1]));
});

test('the input may change as soon as the call has returned', async () => {
  using net = new ResNet(18, 3, { seed: 2 });
  const x = randomTensor([1, 3, 64, 64]);
  const before = await net.forwardFeatures(x);
  const work = [net.forwardFeatures(x), net.stages(x)] as const;
  x.data.fill(0 as never);
  const [features, stages] = await Promise.all(work);
  expect(features.data).toEqual(before.data);
  expect(difference(means(stages[3]), before.data as Float32Array)).toBeLessThan(1e-5);
});

test('in train mode: four maps of this batch, and the running statistics move once', async () => {
  using net = new ResNet(18, 3, { seed: 2 });
  using other = new ResNet(18, 3, { seed: 2 });
  const x = randomTensor([2, 3, 64, 64]);
  net.train();
  other.train();
  expect((await net.stages(x)).map(({ shape }) => shape[0])).toEqual([2, 2, 2, 2]);
  await other.forward(x);
  const [moved, expected] = [net.stateDict(), other.stateDict()];
  for (const name of ['bn', 'residual_block.7.conv_bn_block2.1']) {
    expect(moved.get(`${name}.running_mean`)).toEqual(expected.get(`${name}.running_mean`));
    expect(moved.get(`${name}.num_batches_tracked`)!.data).toEqual(new BigInt64Array([1n]));
  }
});

test('a forward is in flight meanwhile: nothing may change, and dispose waits', async () => {
  const net = new ResNet(18, 3, { seed: 2 });
  const work = net.stages(randomTensor([2, 3, 224, 224]));
  expect(() => net.train()).toThrow(expect.objectContaining({ code: 'ERR_BUSY' }));
  net.dispose();
  expect((await work)[3].shape).toEqual([2, 512, 7, 7]);
});

test('an aborted signal rejects with its reason, before and during', async () => {
  using net = new ResNet(18, 3, { seed: 2 });
  const x = randomTensor([4, 3, 224, 224]);
  const reason = new Error('enough');
  for (const call of ['forwardFeatures', 'stages'] as const) {
    await expect(net[call](x, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const work = net[call](x, { signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await expect(work).rejects.toBe(reason);
  }
});

test('large maps are not copied: they outlive the network, are not shared, and are freed', async () => {
  const { code, stdout, stderr } = await run(process.execPath, [
    '--expose-gc',
    '-e',
    `
    const { ResNet, Tensor } = require('./dist');
    const x = new Tensor(Float32Array.from({ length: 8 * 3 * 224 * 224 }, (_, i) => Math.sin(i)), [8, 3, 224, 224]);
    const collect = async () => {
      for (let i = 0; i < 3; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 20)); }
    };
    const flat = (maps) => maps.map(({ data }) => data.reduce((sum, value) => sum + value));
    (async () => {
      const net = new ResNet(18, 10, { seed: 1 });
      const before = process.memoryUsage().external;
      const first = await net.stages(x);
      const sums = flat(first);
      first.forEach(({ data }) => data.fill(0));
      const second = await net.stages(x);
      if (!second.every(({ data }, i) => Math.abs(data.reduce((a, b) => a + b) - sums[i]) === 0)) throw new Error('shared');
      await collect();
      const resident = process.memoryUsage.rss();
      for (let i = 0; i < 20; i++) await net.stages(x).then(collect); // 11 MB each of libtorch's memory
      const kept = process.memoryUsage.rss() - resident;
      net.dispose();
      await collect();
      if (flat(second).some((sum, i) => sum !== sums[i])) throw new Error('freed');
      const held = process.memoryUsage().external - before;
      console.log(JSON.stringify({ kept, held, maps: [...first, ...second].reduce((sum, { data }) => sum + data.byteLength, 0) }));
    })();
  `,
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { kept, held, maps } = JSON.parse(stdout) as { kept: number; held: number; maps: number };
  expect(held).toBeGreaterThan(maps * 0.9);
  expect(held).toBeLessThan(maps * 1.1);
  expect(kept).toBeLessThan(100e6);
});

describe.each(['forwardFeatures', 'stages'] as const)('%s refuses', (call) => {
  const net = new ResNet(18, 3, { seed: 2 });
  const look = (ResNet.prototype as any)[call] as (...args: any[]) => Promise<unknown>;
  const x = randomTensor([1, 3, 8, 8]);
  afterAll(() => net.dispose());

  test.each<[string, () => Promise<unknown>, string, RegExp]>([
    ['no tensor', () => look.call(net), 'ERR_ARGUMENT', /^x must be a Tensor/],
    ['a shape', () => look.call(net, randomTensor([3, 8, 8])), 'ERR_SHAPE', /^x .*\[N, 3, H, W\]/],
    ['a dtype', () => look.call(net, new Tensor(new Uint8Array(3), [1, 3, 1, 1])), 'ERR_DTYPE', /^x .*"uint8"/],
    ['a signal', () => look.call(net, x, { signal: 1 }), 'ERR_ARGUMENT', /^signal/],
    ['options', () => look.call(net, x, null), 'ERR_ARGUMENT', /^options/],
    ['another receiver', () => look.call({}, x), 'ERR_ARGUMENT', /^this must be/],
    [
      'a block',
      () => look.call(new BasicBlock(3, 3, 1), x),
      'ERR_ARGUMENT',
      new RegExp(`^${call}\\(\\) is for a ResNet`),
    ],
    ['meta', () => new ResNet(18, 3, { device: 'meta' })[call](x), 'ERR_DEVICE', /meta/],
  ])('%s', async (_, run, code, message) => {
    await expect(run()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('a network that was disposed of', async () => {
    const gone = new ResNet(18, 3);
    gone.dispose();
    await expect(gone[call](x)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });
});

test('no class of that number', async () => {
  using net = new ResNet(18, 3, { seed: 2 });
  using fast = await net.optimize();
  const x = randomTensor([1, 3, 8, 8]);
  for (const index of [3, -1, 0.5]) {
    await expect(fast.explain(x, index)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringMatching(/^class/),
    });
  }
});
