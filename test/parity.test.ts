import cases from './fixtures/parity/logits.json';
import { ruleTensor } from './support/rule';
import { expectGolden, ruled } from './support/ruled';

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
    const y = await net.forward(ruleTensor('input', golden.inputShape));
    net.dispose();
    expectGolden(y, golden);
  });
});
