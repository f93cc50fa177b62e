import { createReadStream, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { ImageClassifier, type Prediction } from '../../lib/image/classifier';
import { runStream } from '../../lib/image/stream';
import { fixture } from './pictures';

const [landscape, portrait, small] = ['landscape.jpg', 'portrait.png', 'small.png'].map(fixture) as [
  string,
  string,
  string,
];
const missing = 'missing.png';

let classifier: ImageClassifier;
beforeAll(async () => {
  const preprocess = { resize: 32, crop: 32 };
  classifier = await ImageClassifier.create({ weights: 'random:1', layers: 18, numClasses: 10, preprocess });
});
afterAll(() => classifier.dispose());

/** Counts what is taken from it, and says when it is closed. */
function counted(images: Iterable<any>, delay?: number) {
  const state = { taken: 0, closed: false };
  async function* generate(): AsyncGenerator<any> {
    try {
      for (const image of images) {
        if (delay !== undefined) await sleep(delay);
        state.taken++;
        yield image;
      }
    } finally {
      state.closed = true;
    }
  }
  return { state, images: generate() };
}

function* endless(image: string): Generator<string> {
  for (;;) yield image;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const labelsOf = (all: Prediction[][]): string[][] => all.map((predictions) => predictions.map(({ label }) => label));

describe('a stream gives what a list gives, in its order', () => {
  const many = Array.from({ length: 50 }, (_, i) => [landscape, portrait, small][i % 3]!);
  const expected = async (): Promise<string[][]> => labelsOf(await classifier.classify(many));

  test.each<[string, () => any]>([
    ['an async generator', () => counted(many).images],
    ['a slow one', () => counted(many, 2).images],
    ['a sync generator', () => many.values()],
    ['a Readable', () => Readable.from(many)],
    ['a ReadableStream', () => ReadableStream.from(many)],
    ['bytes', () => many.map((path) => readFileSync(path)).values()],
  ])('%s', async (_, images) => {
    expect(labelsOf(await collect(classifier.classify(images() as AsyncIterable<string>)))).toEqual(await expected());
  });

  test('an empty one', async () => {
    expect(await collect(classifier.classify(new Set<string>()))).toEqual([]);
  });

  test('bytes may change once the next picture is taken', async () => {
    const buffer = readFileSync(small);
    const bytes = Buffer.from(buffer);
    function* reused(): Generator<Uint8Array> {
      for (let i = 0; i < 20; i++) {
        buffer.copy(bytes);
        yield bytes;
        bytes.fill(0);
      }
    }
    const all = await collect(classifier.classify(reused()));
    expect(new Set(labelsOf(all).map(String)).size).toBe(1);
  });
});

test('only a few pictures are taken ahead of the consumer, and none before it begins', async () => {
  const { state, images } = counted(endless(small));
  const answers = classifier.classify(images);
  await sleep(20);
  expect(state.taken).toBe(0);
  for (let i = 1; i <= 100; i++) {
    expect((await answers.next()).value).toHaveLength(5);
    if (i % 20 === 0) await sleep(20);
    expect(state.taken).toBeLessThanOrEqual(i + 32);
  }
  await answers.return(undefined);
  expect(state.closed).toBe(true);
});

test('a picture of a slow stream is not kept waiting for a full batch', async () => {
  let more = (): void => undefined;
  async function* camera(): AsyncGenerator<string> {
    yield small;
    await new Promise<void>((resolve) => (more = resolve));
    yield landscape;
  }
  const answers = classifier.classify(camera());
  expect((await answers.next()).value).toHaveLength(5);
  more();
  expect((await answers.next()).value).toHaveLength(5);
  expect(await answers.next()).toEqual({ done: true, value: undefined });
});

describe('the source is closed', () => {
  test('when the consumer stops early', async () => {
    const { state, images } = counted(endless(small));
    for await (const predictions of classifier.classify(images)) {
      expect(predictions).toHaveLength(5);
      break;
    }
    expect(state.closed).toBe(true);
  });

  test('when a picture cannot be read', async () => {
    const { state, images } = counted([small, missing, ...Array<string>(100).fill(small)]);
    const answers = classifier.classify(images);
    await expect(collect(answers)).rejects.toMatchObject({
      code: 'ERR_FILE',
      message: expect.stringMatching(/^image\[1\]/),
    });
    expect([state.closed, state.taken < 50]).toEqual([true, true]);
    expect(await answers.next()).toEqual({ done: true, value: undefined });
  });

  test('when what comes is not a picture', async () => {
    const { state, images } = counted([small, 5]);
    await expect(collect(classifier.classify(images))).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
    expect(state.closed).toBe(true);
  });

  test('when the signal aborts, before and during', async () => {
    const reason = new Error('enough');
    const before = counted(endless(small));
    const signal = AbortSignal.abort(reason);
    await expect(collect(classifier.classify(before.images, { signal }))).rejects.toBe(reason);
    expect(before.state.taken).toBe(0);

    const controller = new AbortController();
    const { state, images } = counted(endless(small));
    const answers = classifier.classify(images, { signal: controller.signal });
    await answers.next();
    controller.abort(reason);
    await expect(collect(answers)).rejects.toBe(reason);
    expect(state.closed).toBe(true);
  });

  test('an abort does not wait for a source that waits', async () => {
    const controller = new AbortController();
    async function* stuck(): AsyncGenerator<string> {
      yield small;
      await new Promise(() => undefined);
    }
    const answers = classifier.classify(stuck(), { signal: controller.signal });
    await answers.next();
    const next = answers.next();
    controller.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
  });
});

test('onError takes the pictures that cannot be read, and the others go on', async () => {
  const errors: [string, number][] = [];
  const onError = ({ code }: { code: string }, index: number): void => void errors.push([code, index]);
  const all = await collect(
    classifier.classify([missing, small, __filename, landscape].values(), { topK: 1, onError }),
  );
  expect(all.map((predictions) => predictions.length)).toEqual([0, 1, 0, 1]);
  expect(errors.sort(([, a], [, b]) => a - b)).toEqual([
    ['ERR_FILE', 0],
    ['ERR_IMAGE', 2],
  ]);
});

test('an error of the source comes after the answers before it', async () => {
  async function* broken(): AsyncGenerator<string> {
    yield small;
    yield landscape;
    await sleep(1);
    throw new Error('the disk is gone');
  }
  const answers = classifier.classify(broken());
  expect([(await answers.next()).done, (await answers.next()).done]).toEqual([false, false]);
  await expect(answers.next()).rejects.toThrow('the disk is gone');
});

test('a sync source may fail too', async () => {
  function* broken(): Generator<string> {
    yield small;
    throw new Error('no more');
  }
  const answers = classifier.classify(broken());
  expect((await answers.next()).done).toBe(false);
  await expect(answers.next()).rejects.toThrow('no more');
});

test('wrong options, a disposed classifier and the chunks of one file are errors', async () => {
  const options = { topK: 0 };
  await expect(collect(classifier.classify([small].values(), options))).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  const chunks = createReadStream(landscape, { highWaterMark: 1000 });
  await expect(collect(classifier.classify(chunks))).rejects.toMatchObject({ code: 'ERR_IMAGE' });
  const disposed = await ImageClassifier.create({ weights: 'random:1', layers: 18, numClasses: 10 });
  const answers = disposed.classify(endless(small));
  disposed.dispose();
  await expect(answers.next()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
});

test('a batch takes what is ready', async () => {
  const batches: number[] = [];
  const results = runStream(Array<string>(20).fill(small), {
    prepare: (_, index) => Promise.resolve(index),
    run: async (batch) => {
      batches.push(batch.length);
      await sleep(5);
      return batch;
    },
    ...{ maxPending: 8, batchSize: 4, signal: undefined, onStop: () => undefined },
  });
  expect(await collect(results)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  expect(batches.length).toBeLessThan(9);
});
