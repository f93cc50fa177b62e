import type { Times } from '../client/answers';
import { badArgument, ResNetError } from '../errors';
import { explainPicture, type Explanation } from '../image/explain';
import { drawHeatmap } from '../image/heatmap';
import { Tensor } from '../tensor';
import { Batcher, type Row } from './batcher';
import { integerOf } from './fields';
import type { FailureReason, ModelMetrics } from './metrics';
import type { Model } from './model';
import type { Limits } from './options';
import { PictureReader, type Pixels } from './pictures';

/** What a request wants answered: encoded pictures, or pixels that are a network's input already. */
export type Given = { pictures: readonly Uint8Array[]; names?: readonly string[] } | { pixels: readonly Pixels[] };

/** A request's answer: one array of numbers for each picture, and where the time went. */
export interface Answered {
  values: readonly Float32Array[];
  times: Times;
}

/** A model that answers requests: reads pictures, waits in its queue, counts. */
export class Inference {
  readonly model: Model;
  readonly #batcher: Batcher<Pixels, Float32Array>;
  readonly #reader: PictureReader;
  readonly #limits: Limits;
  readonly #metrics: ModelMetrics;
  #ready = false;

  constructor(model: Model, limits: Limits, metrics: ModelMetrics) {
    this.model = model;
    this.#limits = limits;
    this.#metrics = metrics;
    this.#reader = new PictureReader(model.preprocess, limits.maxPixels);
    const { maxBatchSize, maxQueueDelayMs, maxQueueSize } = limits;
    this.#batcher = new Batcher((rows, group, signal) => this.#run(rows, group, signal), {
      maxBatchSize,
      maxQueueDelayMs,
      maxQueueSize,
      concurrency: model.streams,
      onBatch: ({ rows }) => metrics.batch(rows),
    });
  }

  /** True once a first forward has run. */
  get ready(): boolean {
    return this.#ready;
  }

  get pending(): number {
    return this.#batcher.pending;
  }

  /** @throws ERR_QUEUE_FULL where even one picture would be refused: said before a body is read */
  checkRoom(): void {
    if (!this.#batcher.full) return;
    this.#metrics.failure('REJECTED');
    throw new ResNetError('ERR_QUEUE_FULL', 'The queue is full. Try again later.');
  }

  /** @throws ERR_TOO_LARGE where so many pictures would be refused: said before there is an object for each */
  checkCount(pictures: number): void {
    try {
      this.#batcher.check(pictures);
    } catch (error) {
      this.#metrics.failure(reasonOf(error));
      throw error;
    }
  }

  /** The first forward makes what later ones use: it takes the longest, and no client should wait for it. */
  async warmUp(): Promise<void> {
    const { crop } = this.model.preprocess;
    const data = new Uint8Array(crop * crop * 3);
    const places = this.#batcher.reserve(1);
    await places.run([{ group: `logits uint8 ${crop}x${crop}`, value: { data, height: crop, width: crop } }]);
    this.#ready = true;
  }

  /**
   * Answers one request.
   *
   * @param since - when it came, by performance.now()
   * @param signal - the client is gone, or the deadline has passed
   * @throws ERR_IMAGE, ERR_SHAPE, ERR_QUEUE_FULL, ERR_TOO_LARGE, or the signal's reason
   */
  async answer(what: 'logits' | 'features', given: Given, since: number, signal: AbortSignal): Promise<Answered> {
    try {
      const answered = await this.#answer(what, given, signal);
      this.#metrics.success();
      this.#metrics.request(performance.now() - since);
      return answered;
    } catch (error) {
      this.#metrics.failure(reasonOf(error));
      throw error;
    }
  }

  /**
   * Explains one picture, beside the batches: it takes a place in the queue as any other.
   *
   * @param index - of the class, or undefined for the likeliest
   * @throws as {@link Inference.answer}
   */
  async explain(
    bytes: Uint8Array,
    index: number | undefined,
    since: number,
    signal: AbortSignal,
  ): Promise<Explanation & { png: Uint8Array }> {
    try {
      const { network, labels, numClasses } = this.model;
      const asked = index === undefined ? undefined : integerOf(index, 'class', 0, numClasses - 1);
      const places = this.#batcher.reserve(1);
      try {
        const explained = await this.#reader.whole(bytes, 'image', signal, async (picture, pictures) => {
          const explanation = await explainPicture({ network, labels, pictures }, picture, { class: asked, signal });
          return { ...explanation, png: await drawHeatmap(picture, explanation, pictures.preprocess.crop) };
        });
        this.#metrics.success();
        this.#metrics.request(performance.now() - since);
        return explained;
      } finally {
        places.release();
      }
    } catch (error) {
      this.#metrics.failure(reasonOf(error));
      throw error;
    }
  }

  async #answer(what: string, given: Given, signal: AbortSignal): Promise<Answered> {
    const places = this.#batcher.reserve('pictures' in given ? given.pictures.length : given.pixels.length);
    try {
      const begun = performance.now();
      const pixels = 'pictures' in given ? await this.#read(given, signal) : given.pixels;
      const decodeMs = performance.now() - begun;
      const rows = pixels.map((value, i) => this.#row(what, value, i));
      const answers = await places.run(rows, signal);
      const longest = (ms: (answer: (typeof answers)[0]) => number): number => Math.max(...answers.map(ms));
      const [queueMs, inferMs] = [longest((answer) => answer.queueMs), longest((answer) => answer.computeMs)];
      this.#metrics.answered({ rows: rows.length, inputMs: decodeMs, queueMs, computeMs: inferMs });
      return { values: answers.map(({ value }) => value), times: { decodeMs, queueMs, inferMs } };
    } finally {
      places.release();
    }
  }

  /** All at once or none: the first picture that cannot be read fails its request, and stops its others. */
  async #read(
    { pictures, names }: { pictures: readonly Uint8Array[]; names?: readonly string[] },
    signal: AbortSignal,
  ): Promise<Pixels[]> {
    const failed = new AbortController();
    const both = AbortSignal.any([signal, failed.signal]);
    const reading = pictures.map((bytes, i) => this.#reader.read(bytes, names?.[i] ?? `image[${i}]`, both));
    try {
      return await Promise.all(reading);
    } catch (error) {
      failed.abort(error);
      await Promise.allSettled(reading); // places are held until nothing of it is in memory
      throw error;
    }
  }

  #row(what: string, value: Pixels, i: number): Row<Pixels> {
    const { data, height, width } = value;
    const counted = Math.max(height, MIN_SIDE) * Math.max(width, MIN_SIDE);
    if (counted > this.#limits.maxInputPixels && height * width !== this.model.preprocess.crop ** 2) {
      const expected = `at most ${this.#limits.maxInputPixels} pixels, its sides counted as at least ${MIN_SIDE}`;
      throw badArgument(`picture ${i}`, expected, `${height} x ${width}`, 'ERR_SHAPE');
    }
    return { group: `${what} ${data instanceof Uint8Array ? 'uint8' : 'float32'} ${height}x${width}`, value };
  }

  async #run(rows: readonly Pixels[], group: string, signal: AbortSignal): Promise<Float32Array[]> {
    const { network } = this.model;
    const batch = gather(rows);
    const answer = group.startsWith('features')
      ? await network.forwardFeatures(batch, { signal })
      : await network.forward(batch, { signal });
    const values = answer.toFloat32();
    const width = values.length / rows.length;
    return rows.map((_, i) => values.subarray(i * width, (i + 1) * width));
  }
}

/** What a network makes of a side, before its last stage has one pixel: a thin picture takes as much memory as this. */
const MIN_SIDE = 32;

/** Rows of one shape as one tensor. */
function gather(rows: readonly Pixels[]): Tensor {
  const [first] = rows;
  if (first === undefined) throw new Error('a batch of nothing');
  const { data, height, width } = first;
  const bytes = data instanceof Uint8Array;
  const shape = bytes ? [rows.length, height, width, 3] : [rows.length, 3, height, width];
  if (rows.length === 1) return new Tensor(data, shape);
  const all = bytes ? new Uint8Array(rows.length * data.length) : new Float32Array(rows.length * data.length);
  rows.forEach((row, i) => all.set(row.data, i * data.length));
  return new Tensor(all, shape);
}

function reasonOf(error: unknown): FailureReason {
  if (!(error instanceof ResNetError)) return 'OTHER';
  if (error.code === 'ERR_QUEUE_FULL' || error.code === 'ERR_TOO_LARGE') return 'REJECTED';
  if (error.code === 'ERR_ABORTED' || error.code === 'ERR_TIMEOUT') return 'CANCELED';
  return error.code === 'ERR_NATIVE' || error.code === 'ERR_OUT_OF_MEMORY' ? 'BACKEND' : 'OTHER';
}
