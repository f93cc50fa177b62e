import { Tensor, type Layers, type OptimizedDType, type ResNet } from '../../lib/index';
import cases from '../fixtures/parity/logits.json';
import { centeredCosine, judgedNetwork, pictures, relativeDifference } from '../support/judge';
import { testOn } from '../support/processor';
import { ruleTensor } from '../support/rule';
import { expectGolden, ruled } from '../support/ruled';

describe('float32', () => {
  test.each(cases)('ResNet($layers, $numClasses) on $inputShape answers as torchvision does', async (golden) => {
    using net = ruled(golden.layers, golden.numClasses);
    using fast = await net.optimize();
    expectGolden(await fast.forward(ruleTensor('input', golden.inputShape)), golden);
  });
});

describe.each([18, 50] as const)('ResNet-%i on 16 pictures that it has not seen', (layers) => {
  let net: ResNet;
  let expected: Tensor;
  const unseen = pictures(16, 999);

  beforeAll(async () => {
    net = await judgedNetwork(layers);
    expected = await net.forward(unseen);
  });
  afterAll(() => net.dispose());

  const answer = async (dtype: OptimizedDType, method?: 'minmax' | 'percentile'): Promise<Tensor> => {
    const calibration = dtype === 'int8' ? { inputs: [pictures(8, 300)], method } : undefined;
    using fast = await net.optimize({ dtype, calibration });
    return await fast.forward(unseen);
  };

  test('float32: within 1e-5 of the largest logit', async () => {
    expect(relativeDifference(expected, await answer('float32'))).toBeLessThan(1e-5);
  });

  testOn('bfloat16')('bfloat16: cosine at least 0.995', async () => {
    expect(centeredCosine(expected, await answer('bfloat16'))).toBeGreaterThan(0.995);
  });

  testOn('int8').each(layers === 18 ? (['minmax', 'percentile'] as const) : (['minmax'] as const))(
    'int8 by %s: cosine at least 0.94',
    async (method) => {
      expect(centeredCosine(expected, await answer('int8', method))).toBeGreaterThan(0.94);
    },
  );

  test('an answer that ignores the pictures fails the same check', () => {
    const [rows, columns] = expected.shape as [number, number];
    const first = expected.toFloat32().subarray(0, columns);
    const constant = new Float32Array(rows * columns).map((_, i) => first[i % columns]!);
    expect(centeredCosine(expected, new Tensor(constant, [rows, columns]))).toBeLessThan(0.5);
  });
});

test('every depth, and sizes that no tile divides, alone and in batches', async () => {
  const sizes: [Layers, number, number, number][] = [
    [18, 1, 1, 1],
    [18, 3, 5, 3],
    [34, 2, 33, 33],
    [50, 1, 64, 448],
    [50, 5, 97, 61],
  ];
  for (const [layers, n, height, width] of sizes) {
    using net = ruled(layers, 10);
    using fast = await net.optimize();
    const x = ruleTensor('input', [n, 3, height, width]);
    expect(relativeDifference(await net.forward(x), await fast.forward(x))).toBeLessThan(1e-5);
  }
});
