import { execFileSync } from 'node:child_process';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OptimizedResNet, ResNet, Tensor, type OptimizeOptions } from '../../lib/index';
import { relativeDifference } from '../support/judge';
import { has, testOn } from '../support/processor';
import { randomTensor } from '../support/tensors';
import { temporaryFolder } from '../support/files';

let net: ResNet;
let fast: OptimizedResNet;
const x = randomTensor([2, 3, 64, 64]);
const folder = temporaryFolder();

beforeAll(async () => {
  net = new ResNet(18, 10, { seed: 1 });
  fast = await net.optimize();
});
afterAll(() => {
  fast.dispose();
  net.dispose();
});

describe('optimize()', () => {
  test('tells what it made', () => {
    expect([fast.layers, fast.numClasses, fast.dtype, fast.device]).toEqual([18, 10, 'float32', 'cpu']);
    const lines = String(fast).trimEnd().split('\n');
    expect(lines[0]).toBe(`ResNet-18, float32, cpu (${fast.executor})`);
    lines.slice(1).forEach((line, i) => expect(line.startsWith(`%${i + 1} = `)).toBe(true));
    expect(lines).toHaveLength(1 + 20 + 4 - 1); // 20 convolutions, pooling, mean, classifier, a title
  });

  test('the source stays as it was, and what becomes of it later does not matter', async () => {
    using source = new ResNet(18, 10, { seed: 1 });
    const before = await source.forward(x);
    using made = await source.optimize();
    expect((await source.forward(x)).data).toEqual(before.data);
    const state = source.stateDict();
    for (const { data, dtype } of state.values()) if (dtype === 'float32') (data as Float32Array).fill(1);
    source.loadStateDict(state);
    expect((await made.forward(x)).data).toEqual((await fast.forward(x)).data);
    source.dispose();
    expect((await made.forward(x)).data).toEqual((await fast.forward(x)).data);
  });

  test('a network in train mode is optimized as it answers in eval mode', async () => {
    using source = new ResNet(18, 10, { seed: 1 });
    source.train();
    using made = await source.optimize();
    expect((await made.forward(x)).data).toEqual((await fast.forward(x)).data);
  });

  test.each<[string, unknown, string, RegExp]>([
    ['options of another type', 5, 'ERR_ARGUMENT', /^options must be an object/],
    ['dtype', { dtype: 'float16' }, 'ERR_UNSUPPORTED_DTYPE', /^dtype must be/],
    ['threads', { threads: 0 }, 'ERR_ARGUMENT', /^threads must be an integer from 1/],
    ['streams', { streams: 1.5 }, 'ERR_ARGUMENT', /^streams must be/],
    ['prefer', { prefer: 'speed' }, 'ERR_ARGUMENT', /^prefer must be/],
    ['mean', { mean: [1, 2] }, 'ERR_ARGUMENT', /^mean must be three/],
    ['a hole in std', { std: [1, , 1] }, 'ERR_ARGUMENT', /^std must be three positive/], // eslint-disable-line no-sparse-arrays
    ['std', { std: [1, 0, 1] }, 'ERR_ARGUMENT', /^std must be three positive/],
    ['int8 without calibration', { dtype: 'int8' }, 'ERR_ARGUMENT', /^calibration must be/],
    ['an empty calibration', { dtype: 'int8', calibration: [] }, 'ERR_ARGUMENT', /^calibration must be at least one/],
    ['a calibration of numbers', { dtype: 'int8', calibration: [1] }, 'ERR_ARGUMENT', /^calibration\[0\] must be a T/],
    ['a method', { dtype: 'int8', calibration: { inputs: [x], method: 'kl' } }, 'ERR_ARGUMENT', /^calibration.method/],
    ['a missing file', { dtype: 'int8', calibration: '/nowhere/c.json' }, 'ERR_FILE', /^Cannot read \/nowhere/],
  ])('refuses %s', async (_, options, code, message) => {
    await expect(net.optimize(options as OptimizeOptions)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as unknown,
    });
  });

  test('a disposed network, and one without values', async () => {
    const gone = new ResNet(18);
    gone.dispose();
    await expect(gone.optimize()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    using meta = new ResNet(18, 10, { device: 'meta' });
    await expect(meta.optimize()).rejects.toMatchObject({ code: 'ERR_DEVICE' });
  });
});

describe('forward()', () => {
  test('many at the same time, of several sizes, each get their own answer', async () => {
    const inputs = Array.from({ length: 12 }, (_, i) => randomTensor([1 + (i % 3), 3, 32 + 8 * (i % 4), 40]));
    const alone: Tensor[] = [];
    for (const input of inputs) alone.push(await fast.forward(input));
    using parallel = await net.optimize({ prefer: 'throughput' });
    const together = await Promise.all(inputs.map((input) => parallel.forward(input)));
    together.forEach((answer, i) => expect(answer.data).toEqual(alone[i]!.data));
  });

  test('a picture alone and in a batch, on one thread and on several: the same bits', async () => {
    using single = await net.optimize({ threads: 1 });
    const batch = await fast.forward(x);
    for (let n = 0; n < 2; n++) {
      const plane = 3 * 64 * 64;
      const one = new Tensor(x.toFloat32().slice(n * plane, (n + 1) * plane), [1, 3, 64, 64]);
      expect((await single.forward(one)).data).toEqual(batch.toFloat32().slice(n * 10, (n + 1) * 10));
    }
  });

  test('a batch of more than fits in one pass', async () => {
    const many = randomTensor([70, 3, 64, 64]);
    expect(relativeDifference(await net.forward(many), await fast.forward(many))).toBeLessThan(1e-5);
  });

  test('uint8 pictures are normalized on the way', async () => {
    const bytes = new Uint8Array(2 * 40 * 50 * 3).map((_, i) => (i * 37) % 256);
    const floats = new Float32Array(bytes.length);
    const [mean, std] = [
      [0.485, 0.456, 0.406],
      [0.229, 0.224, 0.225],
    ] as const;
    for (let n = 0; n < 2; n++)
      for (let i = 0; i < 2000; i++)
        for (let c = 0; c < 3; c++)
          floats[(n * 3 + c) * 2000 + i] = (bytes[(n * 2000 + i) * 3 + c]! / 255 - mean[c]!) / std[c]!;
    const expected = await fast.forward(new Tensor(floats, [2, 3, 40, 50]));
    const answer = await fast.forward(new Tensor(bytes, [2, 40, 50, 3]));
    expect(relativeDifference(expected, answer)).toBeLessThan(1e-6);
  });

  test('features are what the classifier sees', async () => {
    const features = await fast.forwardFeatures(x);
    expect(features.shape).toEqual([2, 512]);
    const state = net.stateDict();
    const [weight, bias] = [state.get('fc.weight')!.toFloat32(), state.get('fc.bias')!.toFloat32()];
    const logits = (await fast.forward(x)).toFloat32();
    for (let i = 0; i < 20; i++) {
      let sum = bias[i % 10]!;
      for (let c = 0; c < 512; c++) {
        sum += features.toFloat32()[Math.floor(i / 10) * 512 + c]! * weight[(i % 10) * 512 + c]!;
      }
      expect(logits[i]).toBeCloseTo(sum, 3);
    }
  });

  describe.each(['float32', 'bfloat16'] as const)('%s', (dtype) => {
    testOn(dtype).each([NaN, Infinity, -Infinity])(
      'one value of %d in x: NaN, as the eager network answers',
      async (special) => {
        using made = await net.optimize({ dtype });
        const values = Float32Array.from(x.toFloat32());
        values[7777] = special; // in the first picture
        const damaged = new Tensor(values, x.shape);
        const expected = [...Array<boolean>(10).fill(true), ...Array<boolean>(10).fill(false)];
        for (const network of [net, made]) {
          expect(Array.from((await network.forward(damaged)).toFloat32(), Number.isNaN)).toEqual(expected);
        }
      },
    );
  });

  testOn('int8')('int8 cannot represent NaN: ERR_NOT_FINITE', async () => {
    using made = await net.optimize({ dtype: 'int8', calibration: [x] });
    const damaged = new Tensor(new Float32Array(12).fill(-Infinity), [1, 3, 2, 2]);
    await expect(made.forward(damaged)).rejects.toMatchObject({
      code: 'ERR_NOT_FINITE',
      message: 'x must be finite for int8, but has values that are NaN or infinite.',
    });
  });

  describe.each(['float32', 'bfloat16', 'int8'] as const)('%s', (dtype) => {
    testOn(dtype)('the last map gives the logits', async () => {
      using made = await net.optimize({ dtype, calibration: dtype === 'int8' ? [x] : undefined });
      const logits = await made.forward(x);
      const { logits: again, maps, classes } = await made.explain(x, 3);
      expect(relativeDifference(logits, new Tensor(again.data, again.shape))).toBeLessThan(1e-5);
      expect([maps.shape, classes.data]).toEqual([[2, 2, 2], new BigInt64Array([3n, 3n])]);
    });
  });

  test('forwardSync, and the dtypes that are converted', async () => {
    const answer = await fast.forward(x);
    expect(fast.forwardSync(x).data).toEqual(answer.data);
    const doubles = new Tensor(Float64Array.from(x.toFloat32()), x.shape);
    expect((await fast.forward(doubles)).data).toEqual(answer.data);
  });

  test.each<[string, () => unknown, string, RegExp]>([
    ['no tensor', () => 5, 'ERR_ARGUMENT', /^x must be a Tensor/],
    ['another dtype', () => new Tensor(new Int32Array(12), [1, 3, 2, 2]), 'ERR_DTYPE', /^x must be of dtype/],
    ['other channels', () => randomTensor([1, 4, 8, 8]), 'ERR_SHAPE', /^x must be of shape \[N, 3, H, W\]/],
    ['bytes, channels first', () => new Tensor(new Uint8Array(75), [1, 3, 5, 5]), 'ERR_SHAPE', /\[N, H, W, 3\]/],
    ['no picture', () => new Tensor(new Uint8Array(0), [0, 5, 5, 3]), 'ERR_SHAPE', /\[N, H, W, 3\]/],
  ])('refuses %s', async (_, input, code, message) => {
    await expect(fast.forward(input() as Tensor)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as unknown,
    });
  });

  test('an aborted forward rejects with the reason; the next one answers', async () => {
    const controller = new AbortController();
    const running = fast.forward(randomTensor([32, 3, 224, 224]), { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 5);
    await expect(running).rejects.toThrow('enough');
    expect((await fast.forward(x)).shape).toEqual([2, 10]);
  });

  test('disposed while it runs: the answer still comes; afterward ERR_DISPOSED', async () => {
    const made = await net.optimize();
    const running = made.forward(x);
    made.dispose();
    made.dispose();
    expect((await running).data).toEqual((await fast.forward(x)).data);
    await expect(made.forward(x)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    expect(() => String(made)).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  });

  test('borrowed methods fail with a code', async () => {
    await expect(OptimizedResNet.prototype.forward.call(net as never, x)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
    });
  });
});

describe('a calibration', () => {
  testOn('int8')('is saved, loaded and gives the same bits', async () => {
    const file = join(folder, 'calibration.json');
    using int8 = await net.optimize({ dtype: 'int8', calibration: [x] });
    await int8.saveCalibration(file);
    using again = await net.optimize({ dtype: 'int8', calibration: file });
    expect((await again.forward(x)).data).toEqual((await int8.forward(x)).data);
  });

  testOn('int8')('after a ReLU nothing is negative, whatever the file says', async () => {
    const file = join(folder, 'negative.json');
    using int8 = await net.optimize({ dtype: 'int8', calibration: [x] });
    await int8.saveCalibration(file);
    const saved = JSON.parse(readFileSync(file, 'utf8')) as { ranges: { name: string; least: number }[] };
    const after = saved.ranges.filter(({ name }) => /conv_bn_block/.test(name));
    expect(after).toHaveLength(16);
    for (const range of after) range.least = -1;
    writeFileSync(file, JSON.stringify(saved));
    using again = await net.optimize({ dtype: 'int8', calibration: file });
    expect((await again.forward(x)).data).toEqual((await int8.forward(x)).data);
  });

  testOn('int8')('is for one depth, and no other file passes for one', async () => {
    const file = join(folder, 'calibration.json');
    using int8 = await net.optimize({ dtype: 'int8', calibration: [x] });
    await int8.saveCalibration(file);
    using other = new ResNet(34, 10, { seed: 1 });
    const code = 'ERR_CALIBRATION';
    await expect(other.optimize({ dtype: 'int8', calibration: file })).rejects.toMatchObject({ code });
    for (const text of [
      '',
      '{}',
      '[1]',
      'null',
      '{"format":"libtorch-resnet calibration 1","layers":18,"ranges":[]}',
      '{"format":"libtorch-resnet calibration 1","layers":{"toString":1},"ranges":[]}',
    ]) {
      writeFileSync(file, text);
      await expect(net.optimize({ dtype: 'int8', calibration: file })).rejects.toMatchObject({ code });
    }
  });

  test.each<[string, number, number]>([
    ['beyond float32', -1e300, 1],
    ['beyond float32', 0, 3.5e38],
    ['the wrong way round', 1, 0],
  ])('a range %s is refused: %p to %p', async (_, least, most) => {
    const file = join(folder, 'range.json');
    const ranges = [{ name: 'input', least, most }];
    writeFileSync(
      file,
      JSON.stringify({ format: 'libtorch-resnet calibration 1', layers: 18, numClasses: 10, ranges }),
    );
    await expect(net.optimize({ dtype: 'int8', calibration: file })).rejects.toMatchObject({
      code: 'ERR_CALIBRATION',
      message: `${file} must have two float32 numbers for "input", the smaller one first, but has ${least} and ${most}.`,
    });
  });

  test('a pipe is not waited for, and a file of any size not read', async () => {
    const [pipe, large] = [join(folder, 'pipe'), join(folder, 'large')];
    execFileSync('mkfifo', [pipe]);
    await expect(net.optimize({ dtype: 'int8', calibration: pipe })).rejects.toMatchObject({ code: 'ERR_FILE' });
    writeFileSync(large, '');
    truncateSync(large, 2 ** 32);
    await expect(net.optimize({ dtype: 'int8', calibration: large })).rejects.toMatchObject({
      code: 'ERR_CALIBRATION',
    });
  });

  (has.int8 ? test : test.skip)('of what is no finite number is refused', async () => {
    const data = new Float32Array(3 * 32 * 32);
    data[7] = NaN;
    const calibration = [new Tensor(data, [1, 3, 32, 32])];
    await expect(net.optimize({ dtype: 'int8', calibration })).rejects.toMatchObject({
      code: 'ERR_CALIBRATION',
      message: 'The calibration must give finite numbers, but of those of input some are infinite or NaN.',
    });
  });

  (has.int8 ? test.skip : test)('a processor without the instructions is told of', async () => {
    await expect(net.optimize({ dtype: 'int8', calibration: [x] })).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED_DTYPE',
    });
  });

  test('float32 has none to save', async () => {
    await expect(fast.saveCalibration('x.json')).rejects.toMatchObject({ code: 'ERR_CALIBRATION' });
  });
});
