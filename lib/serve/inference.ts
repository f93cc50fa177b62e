import type { Times } from '../client/answers';
import { badArgument, ResNetError } from '../errors';
import { toBatch, type NetworkInput } from '../image/batch';
import { checkFinite } from '../image/finite';
import { explainPicture, type Explanation } from '../image/explain';
import { drawHeatmap } from '../image/heatmap';
import { loadSharp } from '../image/sharp';
import { batchKeyId, type BatchKey } from './batch-key';
import { Batcher, type Row } from './batcher';
import { parseInteger } from './http/json-body';
import type { FailureReason, ModelMetrics } from './metrics';
import type { Model } from './model';
import type { Limits } from './options';
import { PictureReader } from './picture-reader';
import { Statistics } from './statistics';

/** A request's input: encoded pictures, or pixels that need no preprocessing. */
export type InferenceInput =
  { pictures: readonly Uint8Array[]; names?: readonly string[] } | { pixels: readonly NetworkInput[] };

/** A request's result. */
export interface InferenceResult {
  /** Logits or features of each picture. */
  values: readonly Float32Array[];
  times: Times;
}

/** A model with its queue and metrics: decodes pictures, batches them, runs the network. */
export class Inference {
  readonly model: Model;
  readonly statistics = new Statistics();
  readonly #batcher: Batcher<NetworkInput, Float32Array, BatchKey>;
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
    this.#batcher = new Batcher((inputs, key, signal) => this.#runBatch(inputs, key, signal), {
      maxBatchSize,
      maxQueueDelayMs,
      maxQueueSize,
      concurrency: model.streams,
      keyId: batchKeyId,
      onBatch: ({ rows, computeMs }) => this.#record((each) => each.batch(rows, computeMs)),
    });
  }

  /** True once sharp is loaded and a first forward has run. */
  get ready(): boolean {
    return this.#ready;
  }

  get pending(): number {
    return this.#batcher.pending;
  }

  /** Whether the queue has no room for even one picture. */
  get full(): boolean {
    return this.#batcher.full;
  }

  /** Rejects a request before its body is read. @throws ERR_QUEUE_FULL if not even one picture fits */
  checkQueue(): void {
    if (!this.#batcher.full) return;
    this.#record((metrics) => metrics.failure('REJECTED', 0));
    throw new ResNetError('ERR_QUEUE_FULL', 'The queue is full. Try again later.');
  }

  /** Rejects a request before an object is made for each picture. @throws ERR_TOO_LARGE */
  checkCount(pictures: number): void {
    try {
      this.#batcher.check(pictures);
    } catch (error) {
      this.#record((metrics) => metrics.failure(reasonOf(error), 0));
      throw error;
    }
  }

  /**
   * Loads what reads pictures, and runs a first forward, which takes the longest because it allocates what later ones
   * reuse.
   *
   * @throws ERR_DEPENDENCY if pictures cannot be read
   */
  async warmUp(): Promise<void> {
    await loadSharp();
    const { crop } = this.model.preprocess;
    const input = { data: new Uint8Array(crop * crop * 3), height: crop, width: crop };
    await this.#batcher.reserve(1).run([this.#row('logits', input, 0)]);
    this.#ready = true;
  }

  /**
   * Computes the logits or features of a request's pictures.
   *
   * @param receivedAt - when the request came, by performance.now()
   * @param signal - aborts when the client disconnects or the deadline passes
   * @throws ERR_IMAGE, ERR_SHAPE, ERR_QUEUE_FULL, ERR_TOO_LARGE, or the signal's reason
   */
  run(
    output: BatchKey['output'],
    input: InferenceInput,
    receivedAt: number,
    signal: AbortSignal,
  ): Promise<InferenceResult> {
    return this.#measured(receivedAt, () => this.#run(output, input, signal));
  }

  /**
   * Explains one picture. It takes a place in the queue like any other, but runs outside of the batches.
   *
   * @param classIndex - default: the class with the best score
   * @throws as {@link Inference.run}
   */
  explain(
    bytes: Uint8Array,
    classIndex: number | undefined,
    receivedAt: number,
    signal: AbortSignal,
  ): Promise<Explanation & { png: Uint8Array }> {
    return this.#measured(receivedAt, async () => {
      const { network, labels, activation, numClasses } = this.model;
      if (classIndex !== undefined) parseInteger(classIndex, 'class', 0, numClasses - 1);
      const reservation = this.#batcher.reserve(1);
      try {
        return await this.#reader.readUncropped(bytes, 'image', signal, async (picture, pictures) => {
          const explainer = { network, labels, activation, pictures };
          const explanation = await explainPicture(explainer, picture, { class: classIndex, signal });
          return { ...explanation, png: await drawHeatmap(picture, explanation, pictures.preprocess.crop) };
        });
      } finally {
        reservation.release();
      }
    });
  }

  /** Counts a request as success or failure. */
  async #measured<T>(receivedAt: number, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.#record((metrics) => metrics.success(performance.now() - receivedAt));
      return result;
    } catch (error) {
      this.#record((metrics) => metrics.failure(reasonOf(error), performance.now() - receivedAt));
      throw error;
    }
  }

  #record(event: (metrics: ModelMetrics) => void): void {
    event(this.#metrics);
    event(this.statistics);
  }

  async #run(output: BatchKey['output'], input: InferenceInput, signal: AbortSignal): Promise<InferenceResult> {
    const reservation = this.#batcher.reserve('pictures' in input ? input.pictures.length : input.pixels.length);
    try {
      const start = performance.now();
      const inputs = 'pictures' in input ? await this.#read(input, signal) : input.pixels;
      const decodeMs = performance.now() - start;
      const answers = await reservation.run(
        inputs.map((item, i) => this.#row(output, item, i)),
        signal,
      );
      answers.forEach(({ value }, i) => checkAnswer(value, input, i));
      const max = (ms: (answer: (typeof answers)[0]) => number): number => Math.max(...answers.map(ms));
      const [queueMs, inferMs] = [max((answer) => answer.queueMs), max((answer) => answer.computeMs)];
      const times = { rows: answers.length, inputMs: decodeMs, queueMs, computeMs: inferMs };
      this.#record((metrics) => metrics.completed(times));
      return { values: answers.map(({ value }) => value), times: { decodeMs, queueMs, inferMs } };
    } finally {
      reservation.release();
    }
  }

  /** Reads all pictures; the first that cannot be read fails the request and cancels the others. */
  async #read(
    { pictures, names }: { pictures: readonly Uint8Array[]; names?: readonly string[] },
    signal: AbortSignal,
  ): Promise<NetworkInput[]> {
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const reading = pictures.map((bytes, i) => this.#reader.read(bytes, names?.[i] ?? `image[${i}]`, either));
    try {
      return await Promise.all(reading);
    } catch (error) {
      failed.abort(error);
      await Promise.allSettled(reading); // places in the queue stay taken until the pictures' memory is free
      throw error;
    }
  }

  #row(output: BatchKey['output'], value: NetworkInput, i: number): Row<NetworkInput, BatchKey> {
    const { data, height, width } = value;
    const pixels = Math.max(height, MIN_SIDE) * Math.max(width, MIN_SIDE);
    if (pixels > this.#limits.maxInputPixels && height * width !== this.model.preprocess.crop ** 2) {
      const expected = `at most ${this.#limits.maxInputPixels} pixels, its sides counted as at least ${MIN_SIDE}`;
      throw badArgument(`picture ${i}`, expected, `${height} x ${width}`, 'ERR_SHAPE');
    }
    const dtype = data instanceof Uint8Array ? 'uint8' : 'float32';
    return { key: { output, dtype, height, width }, value };
  }

  async #runBatch(inputs: readonly NetworkInput[], key: BatchKey, signal: AbortSignal): Promise<Float32Array[]> {
    const { network } = this.model;
    const batch = toBatch(inputs);
    const output =
      key.output === 'features'
        ? await network.forwardFeatures(batch, { signal })
        : await network.forward(batch, { signal });
    const values = output.toFloat32();
    const columns = values.length / inputs.length;
    return inputs.map((_, i) => values.subarray(i * columns, (i + 1) * columns));
  }
}

/** Float32 tensors may hold NaN or infinity themselves, and pass it on. @throws ERR_NOT_FINITE for pictures */
function checkAnswer(values: Float32Array, input: InferenceInput, i: number): void {
  if ('pixels' in input && input.pixels[i]?.data instanceof Float32Array) return;
  const name = 'pictures' in input ? (input.names?.[i] ?? `image[${i}]`) : `picture ${i}`;
  checkFinite(values, name, 'it');
}

/** The network divides each side by 32, rounding up, so a thinner picture takes as much memory as one of this side. */
const MIN_SIDE = 32;

const BACKEND_CODES: ReadonlySet<string> = new Set(['ERR_NATIVE', 'ERR_NOT_FINITE', 'ERR_OUT_OF_MEMORY']);

function reasonOf(error: unknown): FailureReason {
  if (!(error instanceof ResNetError)) return 'OTHER';
  if (error.code === 'ERR_QUEUE_FULL' || error.code === 'ERR_TOO_LARGE') return 'REJECTED';
  if (error.code === 'ERR_ABORTED' || error.code === 'ERR_TIMEOUT') return 'CANCELED';
  return BACKEND_CODES.has(error.code) ? 'BACKEND' : 'OTHER';
}
