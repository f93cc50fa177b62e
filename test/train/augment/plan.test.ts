import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addon, type NativeAugmentPlan } from '../../../lib/native/addon';
import type { Mix } from '../../../lib/train/augment/mix';
import { resolveAugmentOptions, type AugmentOptions } from '../../../lib/train/augment/options';
import { mixPlanFor, planFor } from '../../../lib/train/augment/plan';
import { AUGMENTATION_SPACE, drawTrivial } from '../../../lib/train/augment/trivial-augment';
import { Philox } from '../../../lib/train/augment/philox';

interface Statistics {
  mean: number[];
  std: number[];
}
const { space, statistics } = JSON.parse(readFileSync(join(__dirname, 'torchvision.json'), 'utf8')) as {
  space: unknown;
  statistics: Record<'crop' | 'narrowCrop' | 'erasing' | 'mixup' | 'mixup1' | 'mixup4' | 'cutmix', Statistics>;
};

const PICTURE = { seed: 7, epoch: 3, index: 11, width: 500, height: 375, size: 32 };
const ALL: AugmentOptions = {
  colorJitter: { brightness: 0.4, contrast: 0.4, saturation: [0.5, 2], hue: 0.1 },
  trivialAugment: true,
  erasing: 0.5,
  mixup: 0.2,
  cutmix: 1,
};
const COUNT = 5_000;
const THEIR_COUNT = 20_000;

const planOf = (options: AugmentOptions, picture: Partial<typeof PICTURE> = {}): NativeAugmentPlan =>
  planFor(resolveAugmentOptions(options), { ...PICTURE, ...picture });
function plansOf(options: AugmentOptions, picture: Partial<typeof PICTURE> = {}): NativeAugmentPlan[] {
  const resolved = resolveAugmentOptions(options);
  return Array.from({ length: COUNT }, (_, index) => planFor(resolved, { ...PICTURE, ...picture, index }));
}
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Means that differ from the expected ones by less than five standard errors. */
function expectMeans(rows: readonly (readonly number[])[], { mean: means, std }: Statistics): void {
  means.forEach((expected, i) => {
    const difference = Math.abs(mean(rows.map((row) => row[i] as number)) - expected);
    expect(difference).toBeLessThanOrEqual(5 * (std[i] as number) * Math.sqrt(1 / COUNT + 1 / THEIR_COUNT));
  });
}

describe('what is drawn has the distribution of torchvision', () => {
  test('random resized crops', () => {
    const boxes = plansOf({}).map(({ box }) => box);
    expectMeans(boxes, statistics.crop);
    const ratios = boxes.map(([, , height, width]) => width / height);
    expect(Math.min(...ratios)).toBeGreaterThan(0.74);
    expect(Math.max(...ratios)).toBeLessThan(1.35);
    const areas = boxes.map(([, , height, width]) => (width * height) / (500 * 375));
    expect(Math.min(...areas)).toBeGreaterThan(0.075);
    expect(Math.max(...areas)).toBeLessThanOrEqual(1);
  });

  test('the ratios of crops are uniform in their logarithm, their areas as they are', () => {
    const boxes = plansOf({ scale: [0.1, 0.5] }, { width: 500, height: 500 }).map(({ box }) => box);
    const logRatios = boxes.map(([, , height, width]) => Math.log(width / height));
    expectMeans(
      logRatios.map((value) => [value]),
      { mean: [0], std: [Math.log(16 / 9) / Math.sqrt(12)] },
    );
    const areas = boxes.map(([, , height, width]) => (width * height) / 500 ** 2);
    expectMeans(
      areas.map((value) => [value]),
      { mean: [0.3], std: [0.4 / Math.sqrt(12)] },
    );
  });

  test('crops of a picture that has hardly a box of an allowed ratio', () => {
    const boxes = plansOf({}, { width: 300, height: 20 }).map(({ box }) => box);
    expectMeans(boxes, statistics.narrowCrop);
  });

  test('erased boxes', () => {
    const erased = plansOf({ erasing: 1 }).map(({ erase }) => (erase ? [1, ...erase.box] : [0, 0, 0, 0, 0]));
    expectMeans(erased, statistics.erasing);
    expect(planOf({ erasing: 1 }).erase?.value).toEqual([124, 116, 104]);
  });

  const mixesOf = (options: AugmentOptions): (Mix | undefined)[] => {
    const resolved = resolveAugmentOptions(options);
    return Array.from({ length: COUNT }, (_, batch) => mixPlanFor(resolved, { seed: 7, epoch: 3, batch, size: 32 }));
  };

  test.each([
    [0.2, 'mixup'],
    [1, 'mixup1'],
    [4, 'mixup4'],
  ] as const)('mixup with alpha %d', (alpha, name) => {
    const shares = mixesOf({ mixup: alpha }).map((mix) => mix!.lambda);
    expectMeans(
      shares.map((share) => [share, share ** 2]),
      statistics[name],
    );
  });

  test('cutmix', () => {
    const rows = mixesOf({ cutmix: 1 }).map((mix) =>
      mix === undefined ? [1, 1, 0, 0, 0, 0] : [mix.lambda, mix.lambda ** 2, ...mix.box!],
    );
    expectMeans(rows, statistics.cutmix);
  });

  test('mixup and cutmix take turns by chance', () => {
    const mixes = mixesOf({ mixup: 0.2, cutmix: 1 });
    const share = mixes.filter((mix) => mix !== undefined && mix.box === undefined).length / COUNT;
    expect(Math.abs(share - 0.5)).toBeLessThan(0.02);
  });

  test('magnitudes of TrivialAugmentWide', () => {
    expect(AUGMENTATION_SPACE).toEqual(space);
    expect(Object.keys(AUGMENTATION_SPACE)).toEqual(Object.keys(space as object));
    const random = new Philox(1, [0, 0, 0]);
    const drawn = Array.from({ length: COUNT }, () => drawTrivial(random));
    for (const [operation, { bins, signed }] of Object.entries(AUGMENTATION_SPACE)) {
      const magnitudes = drawn.filter((item) => item.operation === operation).map(({ magnitude }) => magnitude);
      expect(Math.abs(magnitudes.length / COUNT - 1 / 14)).toBeLessThan(0.015);
      expect(new Set(magnitudes.map(Math.abs)).size).toBe(new Set(bins ?? [0]).size);
      const negative = magnitudes.filter((magnitude) => magnitude < 0).length / magnitudes.length;
      expect(Math.abs(negative - (signed ? (0.5 * 30) / 31 : 0))).toBeLessThan(0.1);
    }
  });

  test('flips and color jitter', () => {
    const plans = plansOf(ALL);
    expect(Math.abs(plans.filter(({ flip }) => flip).length / COUNT - 0.5)).toBeLessThan(0.02);
    const bounds = { brightness: [0.6, 1.4], contrast: [0.6, 1.4], saturation: [0.5, 2], hue: [-0.1, 0.1] } as const;
    for (const [name, [min, max]] of Object.entries(bounds)) {
      const factors = plans.map(({ jitter }) => jitter![name as keyof typeof bounds]!);
      expect(Math.min(...factors)).toBeGreaterThanOrEqual(min);
      expect(Math.max(...factors)).toBeLessThanOrEqual(max);
      expect(Math.abs(mean(factors) - (min + max) / 2)).toBeLessThan(0.02 * (max - min));
    }
    expect(new Set(plans.map(({ jitter }) => jitter!.order.join())).size).toBe(24);
  });
});

test('a plan depends on the seed, the epoch and the picture, and on nothing else', () => {
  const plan = planOf(ALL);
  plansOf(ALL); // whatever was drawn before
  expect(planOf(ALL)).toEqual(plan);
  for (const other of [{ seed: 8 }, { seed: 7 + 2 ** 32 }, { epoch: 4 }, { index: 12 }]) {
    expect(planOf(ALL, other).box).not.toEqual(plan.box);
  }
});

test('an option changes none of what another one draws', () => {
  const { box, flip, trivial } = planOf(ALL);
  expect(planOf({ trivialAugment: true })).toEqual({ box, size: 32, interpolation: 'bilinear', flip, trivial });
});

test('without randomness: the middle as the network is evaluated', () => {
  const options = resolveAugmentOptions({ crop: 'center', flip: 0 });
  const middle = { size: 32, interpolation: 'bilinear', flip: false };
  expect(planFor(options, PICTURE)).toEqual({ ...middle, box: [0, 63, 375, 375] });
  expect(planFor(options, { ...PICTURE, resize: 40 })).toEqual({ ...middle, box: [38, 100, 300, 300] });
  expect(planFor(options, { ...PICTURE, width: 1, height: 1, resize: 64 }).box).toEqual([0, 0, 1, 1]);
  expect(mixPlanFor(options, { seed: 7, epoch: 0, batch: 0, size: 32 })).toBeUndefined();
});

test('the addon takes every plan, of pictures of any size', async () => {
  const random = new Philox(5, [0, 0, 0]);
  const options = resolveAugmentOptions({ ...ALL, ratio: [0.01, 100] });
  for (let index = 0; index < 300; index++) {
    const [width, height] = [1 + random.integer(60), 1 + random.integer(60)];
    const size = 1 + random.integer(40);
    const picture = { data: new Uint8Array(3 * width * height), width, height };
    const plan = planFor(options, { seed: 1, epoch: 0, index, width, height, size });
    expect((await addon().augment(picture, plan).promise).shape).toEqual([size, size, 3]);
  }
});

test.each<[any, RegExp]>([
  [{ rotate: 1 }, /^augment must have no names but crop,/],
  [{ crop: 'random' }, /^augment.crop must be 'random-resized' or 'center'/],
  [{ scale: [0, 1] }, /^augment.scale must be two numbers above 0 to 1/],
  [{ scale: [0.5, 0.1] }, /^augment.scale .* the lesser first/],
  [{ ratio: [1] }, /^augment.ratio /],
  [{ crop: 'center', scale: [0.1, 1] }, /^augment.scale must be left out unless crop is 'random-resized'/],
  [{ interpolation: 'nearest' }, /^augment.interpolation /],
  [{ flip: true }, /^augment.flip must be a number from 0 to 1/],
  [{ colorJitter: 0.4 }, /^augment.colorJitter must be an object/],
  [{ colorJitter: { gamma: 1 } }, /^augment.colorJitter must have no names but brightness/],
  [{ colorJitter: { hue: 0.6 } }, /^augment.colorJitter.hue must be a number from 0 to 0.5/],
  [{ colorJitter: { contrast: [-1, 1] } }, /^augment.colorJitter.contrast must be two numbers from 0/],
  [{ colorJitter: { contrast: '1' } }, /^augment.colorJitter.contrast /],
  [{ trivialAugment: 'wide' }, /^augment.trivialAugment must be a boolean/],
  [{ erasing: 1.1 }, /^augment.erasing must be a number from 0 to 1/],
  [{ erasing: { color: [0, 0] } }, /^augment.erasing.color must be three integers/],
  [{ erasing: { color: [0, 0, 256] } }, /^augment.erasing.color /],
  [{ mixup: 0 }, /^augment.mixup must be a number above 0/],
  [{ cutmix: NaN }, /^augment.cutmix /],
])('%j is refused: ERR_ARGUMENT', (options, message) => {
  expect(() => resolveAugmentOptions(options)).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringMatching(message) }),
  );
});

test('the defaults are those of torchvision, as plain JSON', () => {
  const defaults = resolveAugmentOptions();
  expect(JSON.parse(JSON.stringify(defaults))).toEqual(defaults);
  expect(defaults).toEqual({
    crop: 'random-resized',
    scale: [0.08, 1],
    ratio: [3 / 4, 4 / 3],
    interpolation: 'bilinear',
    flip: 0.5,
    colorJitter: {},
    trivialAugment: false,
    erasing: { probability: 0, scale: [0.02, 0.33], ratio: [0.3, 3.3], color: [124, 116, 104] },
  });
  expect(resolveAugmentOptions({ colorJitter: { brightness: 3, hue: 0, contrast: [1, 1] } }).colorJitter).toEqual({
    brightness: [0, 4],
  });
});
