import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import goldens from '../fixtures/weights/blocks.json';
import {
  BasicBlock,
  BottleneckBlock,
  readWeights,
  ResNet,
  Tensor,
  type Module,
  type ResNetError,
} from '../../lib/index';
import { saveSafetensors } from '../../lib/weights/formats/save-safetensors';
import { digest } from '../support/digest';
import { temporaryFolder } from '../support/files';
import { asPaddle } from '../support/paddle-files';
import { ruleTensor } from '../support/rule';
import { runScript } from '../support/node';
import { randomTensor } from '../support/tensors';
import { pth } from '../support/torch-files';

const folder = temporaryFolder();

const fixture = (name: string): string => join(__dirname, '../fixtures/weights', name);

describe('blocks from files give the outputs of the reference', () => {
  const blocks: [keyof typeof goldens, () => Module][] = [
    ['basic_8_16_s2', () => new BasicBlock(8, 16, 2)],
    ['bottleneck_16_32_s1', () => new BottleneckBlock(16, 32, 1)],
    ['basic_8_8_s1', () => new BasicBlock(8, 8, 1)],
  ];
  const files = blocks.flatMap(([name, make]) => [
    [`${name}.safetensors`, name, make, 1e-5, 1e-5, 'torchvision'] as const,
    [`${name}.bf16.safetensors`, name, make, 2e-2, 2e-2, 'torchvision'] as const,
    [`${name}.pth`, name, make, 1e-5, 1e-5, 'torchvision'] as const,
    [`${name}.legacy.pth`, name, make, 1e-5, 1e-5, 'torchvision'] as const,
    [`${name}.checkpoint.pth`, name, make, 1e-5, 1e-5, 'torchvision'] as const,
    // There are PaddlePaddle files only for the two blocks with a shortcut convolution.
    ...(name === 'basic_8_8_s1' ? [] : [[`${name}.pdparams`, name, make, 1e-5, 1e-5, 'paddle'] as const]),
  ]);

  test('the list of the fixtures of blocks is complete', () => {
    const here = readdirSync(fixture('')).filter((file) => /\.(safetensors|pth|pdparams)$/.test(file));
    expect(files.map(([file]) => file).sort()).toEqual(here.sort());
  });

  test.each(files)('%s', async (file, name, make, absolute, relative, naming) => {
    const golden = goldens[name];
    const block = make();
    expect(block.loadStateDict(await readWeights(fixture(file)))).toEqual({
      naming,
      missing: [],
      unexpected: [],
    });
    const y = await block.forward(ruleTensor('input', golden.inputShape));
    expect(y.shape).toEqual(golden.outputShape);
    const values = y.toFloat32();
    golden.output.forEach((expected, i) => expect(Math.abs(values[i]! - expected)).toBeLessThanOrEqual(absolute));
    const sum = values.reduce((total, value) => total + value, 0);
    expect(Math.abs(sum - golden.sum)).toBeLessThanOrEqual(relative * Math.abs(golden.sum));
  });
});

describe('ResNet.save and ResNet.load', () => {
  const net = new ResNet(18, 7, { seed: 5 });
  const x = randomTensor([2, 3, 40, 40]);
  const expected = net.forwardSync(x).data;

  test.each(['article', 'torchvision', 'huggingface'] as const)('under the names of %s', async (naming) => {
    const path = join(folder, `${naming}.safetensors`);
    await net.save(path, { naming, metadata: { note: 'ours' } });
    const loaded = await ResNet.load(path);
    expect([loaded.layers, loaded.numClasses]).toEqual([18, 7]);
    expect(digest(loaded)).toBe(digest(net));
    expect((await loaded.forward(x)).data).toEqual(expected);
    const again = join(folder, 'again.safetensors');
    await loaded.save(again, { naming, metadata: { note: 'ours' } });
    expect(readFileSync(again).equals(readFileSync(path))).toBe(true);
  });

  test.each(['float16', 'bfloat16'] as const)(
    'as %s, and what is read back is saved to the same bytes',
    async (dtype) => {
      const [once, twice] = [join(folder, `${dtype}.safetensors`), join(folder, `${dtype}2.safetensors`)];
      await net.save(once, { dtype });
      const loaded = await ResNet.load(once);
      await loaded.save(twice, { dtype });
      expect(readFileSync(twice).equals(readFileSync(once))).toBe(true);
      const [weight, own] = [loaded, net].map((one) => one.stateDict().get('fc.weight')!.toFloat32());
      weight!.forEach((value, i) => expect(Math.abs(value - own![i]!)).toBeLessThanOrEqual(Math.abs(own![i]!) / 128));
    },
  );

  test.each([34, 50, 101, 152] as const)('ResNet-%i is identified by its names', async (layers) => {
    const path = join(folder, 'depth.safetensors');
    await new ResNet(layers, 3, { seed: 1 }).save(path, { dtype: 'bfloat16' });
    using loaded = await ResNet.load(path);
    expect([loaded.layers, loaded.numClasses]).toEqual([layers, 3]);
  });

  describe("PaddlePaddle's names", () => {
    test('fc.weight is transposed, even if its shape does not tell', () => {
      const own = new ResNet(18, 512, { seed: 3 });
      const other = new ResNet(18, 512, { seed: 4 });
      expect(other.loadStateDict(asPaddle(own.stateDict())).naming).toBe('paddle');
      expect(digest(other)).toBe(digest(own));
    });

    test.each([7, 512])('from a file, with %i classes; the counters start at 0', async (classes) => {
      const own = new ResNet(18, classes, { seed: 3 });
      const path = join(folder, 'paddle.safetensors');
      await saveSafetensors(path, asPaddle(own.stateDict()));
      const loaded = await ResNet.load(path);
      expect([loaded.layers, loaded.numClasses]).toEqual([18, classes]);
      expect(digest(loaded)).toBe(digest(own));
    });
  });

  test('all mismatches are listed in one error, and nothing is written', async () => {
    const path = join(folder, 'torchvision.safetensors');
    await net.save(path);
    const message = (options: object): Promise<string> =>
      ResNet.load(path, options).then(
        () => 'loaded',
        (error: unknown) => `${(error as ResNetError).code} ${(error as ResNetError).message}`,
      );
    expect(await message({ layers: 34 })).toMatch(
      /^ERR_WEIGHTS_MISMATCH .*torchvision\.safetensors does not fit.*'torchvision'.*missing layer1\.2\.conv1\.weight.*and \d+ more\.$/,
    );
    expect(await message({ numClasses: 10 })).toMatch(
      /2 tensors: fc\.weight must have the shape \[10, 512\], but has \[7, 512\]; fc\.bias must have the shape \[10\]/,
    );
    expect(await message({ naming: 'paddle' })).toMatch(/^ERR_WEIGHTS_MISMATCH/);
    expect(await message({ naming: 'caffe' })).toMatch(/^ERR_ARGUMENT naming must be/);
    expect(await message({ layers: 20 })).toMatch(/^ERR_UNSUPPORTED_LAYERS/);
    expect(await message({ strict: 1 })).toMatch(/^ERR_ARGUMENT strict must be/);
    await expect(ResNet.load(fixture('basic_8_8_s1.safetensors'))).rejects.toMatchObject({
      code: 'ERR_WEIGHTS_MISMATCH',
      message: expect.stringContaining('does not hold a ResNet'),
    });

    const block = new BasicBlock(8, 8, 1, { seed: 1 });
    const before = block.stateDict();
    const state = new Map(before).set('conv_bn_block2.1.bias', new Tensor([1], [1])).set('more', new Tensor([1], [1]));
    state.delete('conv_bn_block1.1.weight');
    expect(() => block.loadStateDict(state)).toThrow(
      expect.objectContaining({
        code: 'ERR_WEIGHTS_MISMATCH',
        message: expect.stringMatching(
          /3 tensors: missing conv_bn_block1\.1\.weight; unexpected more; conv_bn_block2\.1\.bias must have the shape \[8\]/,
        ),
      }),
    );
    expect(block.stateDict()).toEqual(before);
  });

  test('with strict: false, missing tensors keep their values and are reported', () => {
    const block = new BasicBlock(8, 8, 1, { seed: 1 });
    const report = block.loadStateDict({ 'bn1.bias': randomTensor([8]), other: randomTensor([1]) }, { strict: false });
    expect(report).toMatchObject({ naming: 'torchvision', unexpected: ['other'] });
    expect(report.missing).toContain('conv1.weight');
    expect(report.missing).not.toContain('bn1.bias');
  });

  test.each([
    [{ naming: 'paddle' }, 'ERR_ARGUMENT', /^naming/],
    [{ dtype: 'int8' }, 'ERR_DTYPE', /^dtype/],
    [{ metadata: { a: 1 } }, 'ERR_ARGUMENT', /^metadata/],
    [null, 'ERR_ARGUMENT', /^options/],
  ])('save(path, %j)', async (options, code, message) => {
    await expect(net.save(join(folder, 'x.safetensors'), options as never)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});

test.each(['safetensors', 'pth'])(
  'loading ResNet-152 from %s peaks at one copy of it above the loaded addon',
  async (format) => {
    const path = join(folder, `large.${format}`);
    const net = new ResNet(152, 1000, { seed: 1 });
    if (format === 'pth') writeFileSync(path, pth(net.stateDict()));
    else await net.save(path);
    const ended = await runScript(`
    const { readFileSync } = require('node:fs');
    const { ResNet } = require('./dist');
    const peak = () => Number(/VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
    new ResNet(18, 1, { device: 'meta' });
    const before = peak();
    ResNet.load(${JSON.stringify(path)}).then(() => console.log(peak() - before));
  `);
    expect(ended.stderr).toBe('');
    const copy = 230.2;
    expect(Number(ended.stdout)).toBeGreaterThan(copy * 0.9);
    expect(Number(ended.stdout)).toBeLessThan(copy * 1.15);
  },
);
