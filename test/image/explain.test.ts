import { readFileSync } from 'node:fs';
import { ImageClassifier } from '../../lib/image/classifier';
import { cropOf } from '../../lib/image/explain';
import { checkPreprocess } from '../../lib/image/preprocess';
import { runJob } from '../../lib/native/job';
import { ResNet } from '../../lib/resnet';
import { Tensor } from '../../lib/tensor';
import { fixture } from './pictures';

const [landscape, portrait, small] = ['landscape.jpg', 'portrait.png', 'small.png'].map(fixture) as [
  string,
  string,
  string,
];

describe('explain', () => {
  let classifier: ImageClassifier;
  beforeAll(async () => void (classifier = await ImageClassifier.create({ weights: 'random:1', layers: 18 })));
  afterAll(() => classifier.dispose());

  test('the class, its score, its map, and where it lies', async () => {
    const [best] = await classifier.classify(landscape);
    const { map, label, index, score, width, height, crop } = await classifier.explain(landscape);
    expect({ label, index }).toEqual({ label: best!.label, index: best!.index });
    expect(score).toBeCloseTo(best!.score, 6);
    expect([map.dtype, map.shape]).toEqual(['float32', [7, 7]]);
    expect([width, height]).toEqual([500, 375]);
    // Resized to 341 x 256; of that the 224 in the middle, from 58 and from 16.
    expect(crop.left).toBeCloseTo((58 * 500) / 341, 10);
    expect(crop).toMatchObject({ top: 23.4375, height: 328.125 });
  });

  test('the mean over a map plus the bias is the logit: scores of all classes follow from their maps', async () => {
    using net = new ResNet(18, 1000, { seed: 1 }); // the classifier's own network
    const bias = net.stateDict().get('fc.bias')!.data as Float32Array;
    const scores = new Map((await classifier.classify(portrait, { topK: 1000 })).map((one) => [one.index, one.score]));
    const logits: number[] = [];
    for (const index of [0, 7, 999]) {
      const { map, score } = await classifier.explain(portrait, { class: index });
      expect(score).toBeCloseTo(scores.get(index)!, 6);
      const mean = (map.data as Float32Array).reduce((a, b) => a + b, 0) / map.data.length;
      logits.push(mean + bias[index]!);
    }
    const apart = (i: number, j: number): number => logits[i]! - logits[j]!;
    expect(apart(0, 1)).toBeCloseTo(Math.log(scores.get(0)! / scores.get(7)!), 4);
    expect(apart(1, 2)).toBeCloseTo(Math.log(scores.get(7)! / scores.get(999)!), 4);
  });

  test('bytes give what their file gives, and may change once the call has returned', async () => {
    const bytes = readFileSync(small);
    const work = classifier.explain(bytes);
    bytes.fill(0);
    expect(await work).toEqual(await classifier.explain(small));
  });

  test.each<[string, any, any, string, RegExp]>([
    ['no image', undefined, {}, 'ERR_ARGUMENT', /^image must be/],
    ['a list', [small], {}, 'ERR_ARGUMENT', /^image must be/],
    ['a missing file', 'missing.png', {}, 'ERR_FILE', /^image .*missing\.png/],
    ['no picture', __filename, {}, 'ERR_IMAGE', /^image/],
    ['no such class', small, { class: 1000 }, 'ERR_ARGUMENT', /^class must be an integer from 0 to 999/],
    ['a class by name', small, { class: 'cat' }, 'ERR_ARGUMENT', /^class/],
    ['a bad signal', small, { signal: {} }, 'ERR_ARGUMENT', /^signal/],
    ['bad options', small, null, 'ERR_ARGUMENT', /^options/],
  ])('%s', async (_, image, options, code, message) => {
    await expect(classifier.explain(image, options)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  test('an aborted signal rejects with its reason, before and during', async () => {
    const reason = new Error('enough');
    await expect(classifier.explain(small, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const work = classifier.explain(landscape, { signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await expect(work).rejects.toBe(reason);
  });
});

test('work that was begun is finished; a classifier that was disposed of begins none', async () => {
  const classifier = await ImageClassifier.create({ weights: 'random:1', layers: 18 });
  const work = classifier.explain(small);
  classifier.dispose();
  expect((await work).map.shape).toEqual([7, 7]);
  await expect(classifier.explain(small)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
});

// Each pixel of the picture tells where it is, so that the crop tells where it was cut.
test.each([
  [320, 240, 256, 224],
  [75, 64, 64, 57],
  [64, 91, 37, 20],
  [60, 60, 30, 41],
  [50, 120, 30, 64],
])('%i x %i, resized to %i and cropped to %i: where the crop lies', async (width, height, resize, crop) => {
  const picture = { width, height, data: new Uint8Array(width * height * 3) };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) picture.data.set([20 + x / 2, 20 + y / 2, 255], 3 * (y * width + x));
  }
  const preprocess = checkPreprocess({ resize, crop });
  const cropped = await runJob((binding) => binding.resizeAndCrop([picture], preprocess));
  const region = cropOf(picture, preprocess);
  let [compared, furthest, brightest] = [0, 0, 0];
  for (let i = 0; i < crop; i++) {
    for (let j = 0; j < crop; j++) {
      const [x, y] = [
        region.left + ((j + 0.5) / crop) * region.width - 0.5,
        region.top + ((i + 0.5) / crop) * region.height - 0.5,
      ];
      const [red = 0, green = 0, blue = 0] = cropped.data.slice(
        3 * (i * crop + j),
        3 * (i * crop + j) + 3,
      ) as Uint8Array;
      const within = (at: number, length: number): boolean => at > 4 && at < length - 5; // away from the edges
      if (!within(x, width) || !within(y, height)) {
        if (x < -1 || y < -1 || x > width || y > height) brightest = Math.max(brightest, red, green, blue);
        continue;
      }
      compared++;
      furthest = Math.max(furthest, Math.abs(red - 20 - x / 2), Math.abs(green - 20 - y / 2));
    }
  }
  expect([furthest < 1.3, brightest]).toEqual([true, 0]);
  expect(compared).toBeGreaterThan((crop * crop) / 5);
});

test('row i, column j of the last map sees the pixel (32 j, 32 i) in its middle', async () => {
  using net = new ResNet(18, 2, { seed: 1 });
  const side = 224;
  const stages = async (x: Float32Array): Promise<Float32Array> =>
    (await net.stages(new Tensor(x, [1, 3, side, side])))[3].data as Float32Array;
  const before = await stages(new Float32Array(3 * side * side));
  for (const [top, left] of [
    [96, 64],
    [64, 112],
  ] as const) {
    // prettier-ignore
    const x = new Float32Array(3 * side * side);
    for (let c = 0; c < 3; c++) {
      for (let y = -8; y <= 8; y++) {
        for (let i = -8; i <= 8; i++) x[(c * side + top + y) * side + left + i] = Math.sin(7 * y + 5 * i + c);
      }
    }
    const after = await stages(x);
    let [sum, row, column] = [0, 0, 0];
    for (const [at, value] of after.entries()) {
      const change = (value - before[at]!) ** 2;
      sum += change;
      row += change * (Math.floor(at / 7) % 7);
      column += change * (at % 7);
    }
    expect(Math.abs(row / sum - top / 32)).toBeLessThan(0.2); // half a place off would be 0.5
    expect(Math.abs(column / sum - left / 32)).toBeLessThan(0.2);
  }
});
