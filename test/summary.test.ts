import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import published from './fixtures/weights/published.json';
import { BasicBlock, BottleneckBlock, ResNet, summary, type Layers, type Module } from '../lib/index';
import { center, twoDecimals } from '../lib/summary/python';

const golden = (name: string): Buffer => readFileSync(join(__dirname, 'fixtures', 'summary', `${name}.txt`));
const meta = { device: 'meta' } as const;

describe("toString() is the article's table to the byte", () => {
  const blocks: [string, () => Module, number[]][] = [
    ['basic_block_64_128_s2', () => new BasicBlock(64, 128, 2, meta), [1, 64, 224, 224]],
    ['bottleneck_block_64_128_s2', () => new BottleneckBlock(64, 128, 2, meta), [1, 64, 224, 224]],
  ];
  const networks: [string, () => Module, number[]][] = [
    ...([18, 34, 50, 101, 152] as Layers[]).map((layers): [string, () => Module, number[]] => [
      `resnet${layers}`,
      () => new ResNet(layers, 1000, meta),
      [1, 3, 224, 224],
    ]),
    ['resnet18_c10_n8_32', () => new ResNet(18, 10, meta), [8, 3, 32, 32]],
    ['bottleneck_block_256_256_s1_n4', () => new BottleneckBlock(256, 256, 1, meta), [4, 256, 14, 14]],
  ];

  test.each([...blocks, networks[2]!])('article.%s', (name, make, shape) => {
    expect(Buffer.from(String(summary(make(), shape)))).toEqual(golden(`article.${name}`));
  });

  test.each([...blocks, ...networks])('paddle3.%s', (name, make, shape) => {
    const text = String(summary(make(), shape, { trainable: 'parameters' }));
    expect(Buffer.from(text)).toEqual(golden(`paddle3.${name}`));
  });

  test('of a network with values, too, and a null batch counts as 1', () => {
    const text = String(summary(new ResNet(50), [null, 3, 224, 224]));
    expect(Buffer.from(text)).toEqual(golden('article.resnet50'));
  });
});

describe('sizes that no golden shows', () => {
  test('columns grow with what they hold', () => {
    const lines = String(summary(new BasicBlock(1024, 10_000, 1, meta), [1024, 1024, 1000, 1000])).split('\n');
    const [widestInput, widestOutput] = ['[[1024, 10000, 1000, 1000]]', '[1024, 10000, 1000, 1000]'];
    expect(lines[0]).toBe('-'.repeat(15 + widestInput.length + widestOutput.length + 15 + 5));
    expect(lines[3]).toBe(`   Conv2D-1     [[1024, 1024, 1000, 1000]]  ${widestOutput}   92,160,000   `);
  });

  test('odd heights and widths round as the layers do', () => {
    const { rows } = summary(new ResNet(18, 7, meta), [3, 3, 33, 50]);
    expect(rows.map((row) => row.outputShape).filter((shape) => shape.length === 4 && shape[1] === 512)[0]).toEqual([
      3, 512, 2, 2,
    ]);
    expect(rows.at(-1)).toMatchObject({
      name: 'Linear-1',
      inputShape: [3, 512],
      outputShape: [3, 7],
      parameters: 512 * 7 + 7,
    });
  });

  test('two decimals as Python writes them', () => {
    const cases = {
      0.125: '0.12',
      0.375: '0.38',
      0.625: '0.62',
      0.875: '0.88',
      12.125: '12.12',
      2.675: '2.67',
      98: '98.00',
      0.005: '0.01',
    };
    for (const [value, text] of Object.entries(cases)) expect(twoDecimals(Number(value))).toBe(text);
  });

  test('a centered text has its odd space on the right', () => {
    expect([center('ab', 5), center('abc', 2)]).toEqual([' ab  ', 'abc']);
  });

  test('input of exactly an eighth of a MB', () => {
    // 2 * 64 * 16 * 16 values of 4 bytes are 0.125 MB.
    expect(String(summary(new BasicBlock(64, 64, 1, meta), [2, 64, 16, 16]))).toContain('Input size (MB): 0.12\n');
  });
});

describe('figures', () => {
  test.each(published)(
    'multiply-adds and parameters of ResNet-$layers are the published ones',
    ({ layers, gmacs, numParams }) => {
      const { totals } = summary(new ResNet(layers as Layers, 1000, meta), [1, 3, 224, 224], {
        trainable: 'parameters',
      });
      expect((totals.multiplyAdds / 1e9).toFixed(3)).toBe(gmacs.toFixed(3));
      expect(totals.trainable).toBe(numParams);
    },
  );

  test('rows are plain data', () => {
    const { rows, totals } = summary(new BasicBlock(64, 128, 2, meta), [1, 64, 224, 224]);
    expect(rows[1]).toEqual({
      name: 'BatchNorm2D-1',
      type: 'BatchNorm2D',
      inputShape: [1, 128, 112, 112],
      outputShape: [1, 128, 112, 112],
      parameters: 512,
      trainable: 0,
      multiplyAdds: 0,
    });
    expect(totals).toMatchObject({ parameters: 230_912, trainable: 229_376, nonTrainable: 1_536, inputMB: 12.25 });
  });
});

test.each([
  [() => summary({} as never, [1, 3, 8, 8]), 'ERR_ARGUMENT', /^module/],
  [() => summary(new ResNet(18, 10, meta), [3, 224, 224]), 'ERR_SHAPE', /^inputSize .*\[3, 224, 224\]/],
  [() => summary(new ResNet(18, 10, meta), [1, 4, 224, 224]), 'ERR_SHAPE', /^inputSize .*\[1, 4, 224, 224\]/],
  [() => summary(new ResNet(18, 10, meta), [1, 3, 0, 224]), 'ERR_SHAPE', /^inputSize/],
  [() => summary(new ResNet(18, 10, meta), [1, 3, null, 224]), 'ERR_SHAPE', /^inputSize/],
  [() => summary(new ResNet(18, 10, meta), [2 ** 20, 3, 2 ** 20, 2 ** 20]), 'ERR_SHAPE', /^inputSize/],
  [() => summary(new ResNet(18, 10, meta), '1,3' as never), 'ERR_SHAPE', /^inputSize/],
  [() => summary(new ResNet(18, 10, meta), [1, 3, 8, 8], { trainable: 'all' as never }), 'ERR_ARGUMENT', /^trainable/],
])('bad input %#', (call, code, message) => {
  expect(call).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
});
