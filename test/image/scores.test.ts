import { boundedMap } from '../../lib/image/limiter';
import { softmax, topIndices, topPredictions } from '../../lib/image/scores';

test('softmax sums to 1, whatever the size of the logits', () => {
  expect([...softmax([0, 0, 0, 0])]).toEqual([0.25, 0.25, 0.25, 0.25]);
  const [a, b] = softmax(new Float32Array([10_000, 10_001]));
  expect(a! + b!).toBeCloseTo(1, 15);
  expect(b! / a!).toBeCloseTo(Math.E, 12);
});

test('top indices: the best first, equal scores by index', () => {
  expect(topIndices(Float64Array.of(0.1, 0.3, 0.3, 0.2, 0.1), 4)).toEqual([1, 2, 3, 0]);
});

const labels = ['a', 'b', 'c'];

test('predictions: labels and softmax, best first', () => {
  const [first, second, ...others] = topPredictions(Float32Array.of(0, 2, 1), { labels, activation: 'softmax' }, 2);
  expect([first, second, others]).toEqual([
    { label: 'b', index: 1, score: expect.closeTo(0.665, 3) },
    { label: 'c', index: 2, score: expect.closeTo(0.245, 3) },
    [],
  ]);
});

test('predictions by the sigmoid, each class on its own', () => {
  expect(topPredictions(Float32Array.of(-1000, 2, 1000), { labels, activation: 'sigmoid' }, 3)).toEqual([
    { label: 'c', index: 2, score: 1 },
    { label: 'b', index: 1, score: expect.closeTo(0.8808, 4) },
    { label: 'a', index: 0, score: 0 },
  ]);
});

describe('boundedMap', () => {
  test('keeps the order and the bound', async () => {
    let [running, max] = [0, 0];
    const results = await boundedMap([30, 1, 20, 2, 10], 2, async (ms, i) => {
      max = Math.max(max, ++running);
      await new Promise((resolve) => setTimeout(resolve, ms));
      running--;
      return `${i}:${ms}`;
    });
    expect(results).toEqual(['0:30', '1:1', '2:20', '3:2', '4:10']);
    expect(max).toBe(2);
  });

  test('starts nothing more after an error', async () => {
    const begun: number[] = [];
    const work = boundedMap([0, 1, 2, 3], 1, async (item) => {
      begun.push(item);
      await Promise.resolve();
      if (item === 1) throw new Error('bad');
    });
    await expect(work).rejects.toThrow('bad');
    expect(begun).toEqual([0, 1]);
  });
});
