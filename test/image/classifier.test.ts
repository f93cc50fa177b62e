import { readFileSync } from 'node:fs';
import { ImageClassifier, type Prediction } from '../../lib/image/classifier';
import { fixture } from './pictures';

const create = (options: object = {}): Promise<ImageClassifier> =>
  ImageClassifier.create({ weights: 'random:1', layers: 18, ...options });
const names = ['landscape.jpg', 'portrait.png', 'small.png'].map(fixture);

describe('classify', () => {
  let classifier: ImageClassifier;
  beforeAll(async () => void (classifier = await create()));
  afterAll(() => classifier.dispose());

  test('says what it is', () => {
    expect(classifier).toMatchObject({ layers: 18, numClasses: 1000, device: 'cpu' });
    expect(classifier.labels[1]).toBe('goldfish');
  });

  test('five predictions, best first', async () => {
    const predictions = await classifier.classify(names[0]!);
    expect(predictions).toHaveLength(5);
    for (const [i, { label, index, score }] of predictions.entries()) {
      expect(label).toBe(classifier.labels[index]);
      expect(score).toBeGreaterThan(0);
      expect(score).toBeLessThanOrEqual(predictions[i - 1]?.score ?? 1);
    }
  });

  test('all scores sum to 1, and every class is there once', async () => {
    const predictions = await classifier.classify(names[1]!, { topK: 1000 });
    expect(predictions.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 10);
    expect(new Set(predictions.map(({ index }) => index)).size).toBe(1000);
  });

  test('a batch gives what its pictures give alone', async () => {
    const batch = await classifier.classify([...names, ...names], { topK: 10 });
    expect(batch).toHaveLength(6);
    for (const [i, name] of [...names, ...names].entries()) {
      expectClose(batch[i]!, await classifier.classify(name, { topK: 1000 }));
    }
  });

  test('bytes give what their file gives, and may change once the call has returned', async () => {
    const bytes = readFileSync(names[0]!);
    const work = classifier.classify([bytes, bytes]);
    bytes.fill(0);
    const [one, other] = await work;
    expectClose(one!, await classifier.classify(names[0]!, { topK: 1000 }));
    expect(other).toEqual(one);
  });

  test('onError takes the pictures that cannot be read, and the others go on', async () => {
    const [text, missing] = [__filename, 'missing.png'];
    const errors: [string, number][] = [];
    const onError = ({ code }: { code: string }, index: number): void => void errors.push([code, index]);
    const answers = await classifier.classify([text, names[0]!, missing, names[2]!], { topK: 1, onError });
    expect(answers.map((predictions) => predictions.length)).toEqual([0, 1, 0, 1]);
    expect(answers[3]).toEqual((await classifier.classify([names[0]!, names[2]!], { topK: 1 }))[1]);
    expect(errors.sort(([, a], [, b]) => a - b)).toEqual([
      ['ERR_IMAGE', 0],
      ['ERR_FILE', 2],
    ]);
    expect(await classifier.classify([missing], { onError })).toEqual([[]]);
    const stop = new Error('stop');
    const work = classifier.classify([names[0]!, missing], {
      onError: () => {
        throw stop;
      },
    });
    await expect(work).rejects.toBe(stop);
  });

  test('no pictures, no predictions', async () => {
    expect(await classifier.classify([])).toEqual([]);
  });

  test.each<[string, any, any, string, RegExp]>([
    ['no image', undefined, {}, 'ERR_ARGUMENT', /^image must be/],
    ['one bad image in a list', [names[0], 7], {}, 'ERR_ARGUMENT', /^image\[1\] must be .*got 7/],
    ['a list with a hole', [, names[0]], {}, 'ERR_ARGUMENT', /^image\[0\] must be .*got undefined/], // eslint-disable-line no-sparse-arrays
    ['one bad file in a list', [names[0], __filename], {}, 'ERR_IMAGE', /^image\[1\] .*classifier\.test\.ts/],
    ['a missing file', 'missing.png', {}, 'ERR_FILE', /^image .*missing\.png/],
    ['topK 0', names[0], { topK: 0 }, 'ERR_ARGUMENT', /^topK must be an integer from 1 to 1000/],
    ['topK 1001', names[0], { topK: 1001 }, 'ERR_ARGUMENT', /^topK/],
    ['topK 2.5', names[0], { topK: 2.5 }, 'ERR_ARGUMENT', /^topK/],
    ['a bad signal', names[0], { signal: {} }, 'ERR_ARGUMENT', /^signal/],
    ['a bad onError', [names[0]], { onError: true }, 'ERR_ARGUMENT', /^onError must be a function/],
    ['an unknown option', names[0], { top: 3 }, 'ERR_ARGUMENT', /^options must have no names but topK.*"top"/],
    ['bad options', names[0], null, 'ERR_ARGUMENT', /^options/],
  ])('%s', async (_, image, options, code, message) => {
    await expect(classifier.classify(image, options)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  test('an aborted signal rejects with its reason, before and during', async () => {
    const reason = new Error('enough');
    await expect(classifier.classify(names[0]!, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const work = classifier.classify(names, { signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await expect(work).rejects.toBe(reason);
  });
});

test('the same seed answers the same, another seed does not', async () => {
  const answers = [];
  for (const weights of ['random:1', 'random:1', 'random:2', 'random']) {
    using classifier = await create({ weights });
    answers.push(await classifier.classify(names[2]!));
  }
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[2]).not.toEqual(answers[0]);
  expect(answers[3]).not.toEqual(answers[0]);
});

test('preprocess, threads, streams and the pixel limit are used', async () => {
  const preprocess = { resize: 64, crop: 32 };
  using small = await create({ preprocess, threads: 1, streams: 2, maxPixels: 97 * 61 });
  using whole = await create();
  expect(await small.classify(names[2]!)).not.toEqual(await whole.classify(names[2]!));
  await expect(small.classify(names[0]!)).rejects.toMatchObject({ code: 'ERR_IMAGE' });
});

test('random weights have as many classes as labels, or as are asked for', async () => {
  using labeled = await create({ labels: ['cat', 'dog', 'cow'] });
  expect([labeled.numClasses, labeled.labels]).toEqual([3, ['cat', 'dog', 'cow']]);
  expect(await labeled.classify(names[2]!)).toHaveLength(3);
  using counted = await create({ numClasses: 2, preprocess: 'timm' });
  expect(counted.labels).toEqual(['class 0', 'class 1']);
  expect(counted.preprocess).toMatchObject({ resize: 235, interpolation: 'bicubic' });
});

test('disposed of', async () => {
  const classifier = await create();
  classifier.dispose();
  classifier.dispose();
  await expect(classifier.classify(names[0]!)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
});

test('ResNet-50 is the default depth of random weights', async () => {
  using classifier = await ImageClassifier.create({ weights: 'random' });
  expect(classifier.layers).toBe(50);
});

test.each<[any, string, RegExp]>([
  [undefined, 'ERR_ARGUMENT', /^options/],
  [{}, 'ERR_ARGUMENT', /^weights must be the path.*undefined/],
  [{ weights: 5 }, 'ERR_ARGUMENT', /^weights/],
  [{ weights: 'random:' }, 'ERR_ARGUMENT', /^weights.*random:SEED/],
  [{ weights: 'random:-1' }, 'ERR_ARGUMENT', /^weights/],
  [{ weights: 'random:9007199254740992' }, 'ERR_ARGUMENT', /^weights/],
  [{ weights: 'missing.safetensors' }, 'ERR_FILE', /missing\.safetensors/],
  [{ weights: 'random', layers: 20 }, 'ERR_UNSUPPORTED_LAYERS', /but input layer is 20\.$/],
  [{ weights: 'random', layers: 18, device: 'gpu' }, 'ERR_DEVICE', /gpu/],
  [{ weights: 'random', layers: 18, device: 'meta' }, 'ERR_DEVICE', /^device/],
  [{ weights: 'random', dtype: 'float16' }, 'ERR_UNSUPPORTED_DTYPE', /^dtype must be 'float32', 'bfloat16' or 'int8'/],
  [{ weights: 'random', dtype: 'int8' }, 'ERR_ARGUMENT', /^calibration must be the path of a saved calibration/],
  [{ weights: 'random', dtype: 'int8', calibration: [] }, 'ERR_ARGUMENT', /^calibration must be/],
  [{ weights: 'random', dtype: 'int8', calibration: [5] }, 'ERR_ARGUMENT', /^calibration\[0\] must be/],
  [{ weights: 'random', dtype: 'int8', calibration: 'missing.json' }, 'ERR_FILE', /missing\.json/],
  [{ weights: 'random', calibration: 'x' }, 'ERR_ARGUMENT', /^calibration must be left out with dtype float32/],
  [{ weights: 'random', threads: 0 }, 'ERR_ARGUMENT', /^threads/],
  [{ weights: 'random', threads: 1025 }, 'ERR_ARGUMENT', /^threads/],
  [{ weights: 'random', streams: 1.5 }, 'ERR_ARGUMENT', /^streams/],
  [{ weights: 'random', maxPixels: 0 }, 'ERR_ARGUMENT', /^maxPixels/],
  [{ weights: 'random', pretrained: true }, 'ERR_ARGUMENT', /^options must have no names but .*, but got "pretrained"/],
  [{ weights: 'random', numClasses: 0 }, 'ERR_ARGUMENT', /^numClasses/],
  [{ weights: 'random', layers: 18, numClasses: 3, labels: ['a'] }, 'ERR_ARGUMENT', /^labels must be 3 names/],
  [{ weights: 'random', layers: 18, labels: [] }, 'ERR_ARGUMENT', /^labels must be a list of names/],
  [{ weights: 'random', preprocess: { crop: -1 } }, 'ERR_ARGUMENT', /^preprocess\.crop/],
  [{ weights: 'random', layers: 18, labels: [, 'a'] }, 'ERR_ARGUMENT', /^labels must be a list of names/], // eslint-disable-line no-sparse-arrays
  [{ weights: 'random', layers: 18, labels: [1] }, 'ERR_ARGUMENT', /^labels must be a list of names/],
])('create(%j) is refused', async (options, code, message) => {
  await expect(ImageClassifier.create(options)).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
  });
});

/** Other batch sizes sum in another order: scores agree closely, and classes within that may change places. */
function expectClose(predictions: readonly Prediction[], all: readonly Prediction[]): void {
  const scores = new Map(all.map(({ index, score }) => [index, score]));
  for (const { index, score } of predictions) {
    expect(Math.abs(score - scores.get(index)!)).toBeLessThan(1e-5);
  }
  expect(predictions[0]!.score).toBeCloseTo(all[0]!.score, 5);
}
