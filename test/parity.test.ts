import cases from './fixtures/parity/logits.json';
import { ResNet, type Layers } from '../lib/index';
import { ruleTensor } from './support/rule';
import { torchvisionNames } from './support/torchvision';

/** Independent of the package: the article's layers_config. */
const BLOCKS: Record<number, number[]> = {
  18: [2, 2, 2, 2],
  34: [3, 4, 6, 3],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
};

function ruled(layers: number, numClasses: number): ResNet {
  const net = new ResNet(layers as Layers, numClasses);
  const state = [...net.stateDict()];
  const names = torchvisionNames(
    state.map(([name]) => name),
    BLOCKS[layers]!,
  );
  const entries = state.flatMap(([name, { shape }], i) =>
    name.endsWith('num_batches_tracked') ? [] : [[name, ruleTensor(names[i]!, shape)] as const],
  );
  net.loadStateDict(new Map(entries));
  return net;
}

test('the rule gives the numbers that its README states', () => {
  // Undone: conv1.weight is (2u - 1) * sqrt(6 / 147) * 0.7.
  const [a, b, c] = ruleTensor('conv1.weight', [64, 3, 7, 7]).toFloat32();
  const u = [a, b, c].map((value) => (value! / (Math.sqrt(6 / 147) * 0.7) + 1) / 2);
  [0.2171291853301227, 0.920926924329251, 0.5283731485251337].forEach((expected, i) =>
    expect(u[i]).toBeCloseTo(expected, 6),
  );
});

describe("logits agree with torchvision's in float64 to 2e-5 of the largest", () => {
  test.each(cases)('ResNet($layers, $numClasses) on $inputShape', async (golden) => {
    const net = ruled(golden.layers, golden.numClasses);
    const y = (await net.forward(ruleTensor('input', golden.inputShape))).toFloat32();
    net.dispose();
    const rows = golden.inputShape[0]!;
    const allowed = 2e-5 * golden.absMax;
    expect(golden.logits).toHaveLength(rows);
    golden.logits.forEach((expected, n) => {
      const row = [...y.subarray(n * golden.numClasses, (n + 1) * golden.numClasses)];
      expected.forEach((logit, k) => expect(Math.abs(row[k]! - logit)).toBeLessThanOrEqual(allowed));
      expect(row.indexOf(Math.max(...row))).toBe(golden.argmax[n]);
    });
    expect(
      Math.abs(y.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) - golden.absMax),
    ).toBeLessThanOrEqual(allowed);
    expect(Math.abs(y.reduce((sum, value) => sum + value, 0) - golden.sum)).toBeLessThanOrEqual(allowed * y.length);
  });
});
