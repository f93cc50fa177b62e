import sharp from 'sharp';
import { topPredictions } from '../../../lib/image/scores';
import { decode } from '../../../lib/image/decode';
import { checkFinite } from '../../../lib/image/finite';
import { parseNames } from '../../../lib/image/labels';
import { runStream } from '../../../lib/image/stream';
import { mutatedJson, type Json } from '../json';
import { mutated } from '../mutate';
import { Thrown, type Target } from '../target';
import { junk } from '../values';

const FORMATS = ['png', 'jpeg', 'webp', 'tiff', 'gif', 'avif'] as const;
let pictures: Buffer[] | undefined;

/** One of each format, with alpha where the format has it. */
async function picturesOnce(): Promise<Buffer[]> {
  const data = Buffer.from(Array.from({ length: 9 * 7 * 4 }, (_, i) => (i * 37) % 256));
  const source = sharp(data, { raw: { width: 9, height: 7, channels: 4 } });
  pictures ??= await Promise.all(FORMATS.map((format) => source.clone().toFormat(format).toBuffer()));
  return pictures;
}

const WORDS = [
  'IDAT',
  'PLTE',
  'tRNS',
  '\x21\xf9\x04\x01',
  '\x2c',
  'ftyp',
  'avif',
  'heic',
  'mif1',
  ';base64,',
  '%',
  '=',
].map((word) => Buffer.from(word, 'latin1'));

const LABELS: readonly Json[] = [
  ['tench', 'goldfish'],
  { 0: 'tench', 1: 'goldfish' },
  { 0: ['n01440764', 'tench'], 1: ['n01443537', 'goldfish'] },
];

/** What people pass as pictures and as labels, and what networks make of pictures. */
export const PICTURES: readonly Target[] = [
  {
    name: 'decode',
    prepare: picturesOnce,
    run: async (random) => {
      const bytes = mutated(random.pick(await picturesOnce()), random, WORDS);
      const forms: (() => unknown)[] = [
        () => bytes,
        () => new Uint8Array(bytes).buffer,
        () => new Blob([new Uint8Array(bytes)]),
        () =>
          mutated(Buffer.from(`data:image/png;base64,${bytes.toString('base64')}`), random, WORDS).toString('latin1'),
        () => `file:///${bytes.toString('latin1')}`,
        () => junk(random),
      ];
      const { data, width, height } = await decode(random.pick(forms)() as Uint8Array, { maxPixels: 1e6 });
      if (data.length !== width * height * 3 || data.length === 0) throw new Error('pixels');
    },
  },
  {
    name: 'labels',
    run: (random) => {
      const bytes = random.chance(0.5)
        ? mutatedJson(random.pick(LABELS), random)
        : mutated(Buffer.from("{0: 'tench',\n 1: 'goldfish'}\ntench\ngoldfish"), random, WORDS);
      const names = parseNames('labels.txt', Buffer.from(bytes));
      if (names.length === 0 || names.some((name) => typeof name !== 'string')) throw new Error('names');
    },
  },
  {
    name: 'scores',
    run: (random) => {
      const values = [0, 1, -1, 88.8, 1e30, -3e38, 3.4e38, NaN, -NaN, Infinity, -Infinity];
      const logits = Float32Array.from({ length: 1 + random.below(5) }, () => random.pick(values));
      checkFinite(logits, 'image', 'it');
      const labels = Array.from(logits, String);
      for (const { score } of topPredictions(logits, { labels, activation: random.pick(['softmax', 'sigmoid']) }, 5)) {
        if (!(score >= 0 && score <= 1)) throw new Error('a score');
      }
    },
  },
  {
    name: 'stream',
    run: async (random) => {
      const count = random.below(12);
      const [sourceFails, pictureFails, stopsAt] = [random.chance(0.1), random.chance(0.1), random.below(20)];
      const controller = new AbortController();
      let closed = false;
      function* source(): Generator<string> {
        try {
          for (let i = 0; i < count; i++) yield String(i);
          if (sourceFails) throw new Thrown();
        } finally {
          closed = true;
        }
      }
      const options = { maxPending: 1 + random.below(6), batchSize: 1 + random.below(4), signal: controller.signal };
      const results = runStream(source(), {
        ...options,
        prepare: async (image, i) => {
          if (random.chance(0.5)) await new Promise((resolve) => setImmediate(resolve));
          if (pictureFails && i === 3) throw new Thrown();
          return random.chance(0.2) ? undefined : image;
        },
        run: (batch) => Promise.resolve(batch),
        onStop: () => undefined,
      });
      let next = 0;
      try {
        for await (const result of results) {
          if (result !== undefined && result !== String(next)) throw new Error('order');
          if (next === stopsAt && random.chance(0.5)) break;
          if (next++ === stopsAt) controller.abort(new Thrown());
        }
      } finally {
        if (!closed) await new Promise((resolve) => setImmediate(resolve));
        if (!closed) throw new Error('the source is open'); // eslint-disable-line no-unsafe-finally
      }
    },
  },
];
