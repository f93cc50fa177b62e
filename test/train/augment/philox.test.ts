import { Philox, philox4x32 } from '../../../lib/train/augment/philox';

/** The known answers of the authors' library, Random123 (kat_vectors). */
test.each([
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
] as const)('Philox4x32-10 of %j with the key %j', (counter, key, expected) => {
  expect(philox4x32(counter, key)).toEqual(expected);
});

const COUNT = 20_000;
const draws = <T>(draw: (random: Philox) => T): T[] => {
  const random = new Philox(1, [2, 3, 4]);
  return Array.from({ length: COUNT }, () => draw(random));
};
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

test('numbers of all seeds and counters differ', () => {
  const seeds = [0, 1, 2 ** 32, 2 ** 53 - 1];
  const counters = [
    [0, 0, 0],
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ] as const;
  const first = seeds.flatMap((seed) => counters.map((counter) => new Philox(seed, counter).uniform()));
  expect(new Set(first).size).toBe(16);
});

test('uniform numbers fill their range', () => {
  const values = draws((random) => random.uniform(-2, 6));
  expect(Math.min(...values)).toBeGreaterThanOrEqual(-2);
  expect(Math.max(...values)).toBeLessThan(6);
  expect(mean(values)).toBeCloseTo(2, 0.1);
  expect(mean(values.map((value) => (value - 2) ** 2))).toBeCloseTo(64 / 12, 0);
});

test('integers are as frequent as one another', () => {
  const counts = new Array<number>(7).fill(0);
  for (const value of draws((random) => random.integer(7))) counts[value]!++;
  for (const count of counts) expect(Math.abs(count / COUNT - 1 / 7)).toBeLessThan(0.01);
});

test('every order comes up as often', () => {
  const counts = new Map<string, number>();
  for (const order of draws((random) => random.shuffled(['a', 'b', 'c']).join(''))) {
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  for (const count of counts.values()) expect(Math.abs(count / COUNT - 1 / 6)).toBeLessThan(0.01);
});

test.each([1e-3, 0.2, 1, 4, 100])('Beta(%d, %d) has its mean and variance', (alpha) => {
  const values = draws((random) => random.beta(alpha));
  expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
  const variance = 1 / (4 * (2 * alpha + 1));
  expect(Math.abs(mean(values) - 0.5)).toBeLessThan(5 * Math.sqrt(variance / COUNT));
  expect(mean(values.map((value) => (value - 0.5) ** 2)) / variance).toBeCloseTo(1, 1);
});
