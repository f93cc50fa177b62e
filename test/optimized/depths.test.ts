import type { Layers, OptimizeOptions } from '../../lib/index';
import { centeredCosine, judgedNetwork, pictures, relativeDifference } from '../support/judge';
import { has } from '../support/processor';

// A report more than a test (`TEST_LONG=1 npx jest test/optimized/depths`): what folding, Winograd and the narrow dtypes
// cost at every depth. ResNet-18 and -50 are held to their bounds by accuracy.test.ts.
const long = process.env.TEST_LONG === '1' ? test : test.skip;

long(
  'accuracy of every depth in every dtype',
  async () => {
    const unseen = pictures(16, 999);
    const lines = ['layers  float32 difference  bfloat16 cosine  int8 cosine'];
    for (const layers of [18, 34, 50, 101, 152] satisfies Layers[]) {
      using net = await judgedNetwork(layers);
      const expected = await net.forward(unseen);
      const answer = async (options: OptimizeOptions) => {
        using fast = await net.optimize(options);
        return await fast.forward(unseen);
      };
      const difference = relativeDifference(expected, await answer({ dtype: 'float32' }));
      expect(difference).toBeLessThan(1e-5);
      const cosines: string[] = [];
      for (const dtype of ['bfloat16', 'int8'] as const) {
        if (!has[dtype]) continue;
        const calibration = dtype === 'int8' ? { inputs: [pictures(8, 300)] } : undefined;
        const cosine = centeredCosine(expected, await answer({ dtype, calibration }));
        expect(cosine).toBeGreaterThan(0.9);
        cosines.push(cosine.toFixed(4));
      }
      lines.push([String(layers).padEnd(6), difference.toExponential(1).padEnd(18), ...cosines].join('  '));
    }
    process.stdout.write(`${lines.join('\n')}\n`);
  },
  10 * 60_000,
);
