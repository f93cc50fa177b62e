import { checkInteger, checkOptionsObject, checkSignal } from '../check';
import type { Layers } from '../depths';
import type { Device } from '../devices';
import { badArgument, ResNetError } from '../errors';
import {
  IN_PLACE,
  type Calibration,
  type InternalForwardOptions,
  type OptimizedDType,
  type OptimizedResNet,
} from '../optimized';
import { checkClassifierOptions, type ImageClassifierOptions } from './classifier-options';
import type { Tensor } from '../tensor';
import { toBatch } from './batch';
import { copyImage, type Image } from './image';
import { checkExplain, explainPicture, type Explainer, type ExplainOptions, type Explanation } from './explain';
import { openModel } from './open-model';
import { Pictures, type CropOptions } from './pictures';
import type { ResolvedPreprocess } from './preprocess';
import type { Activation } from '../weights/source/activation';
import { isImageStream, type ImageStream } from './stream';
import { topPredictions, type Prediction } from './scores';

export type { Prediction };

/** Options of {@link ImageClassifier.classify}. */
export interface ClassifyOptions {
  /** How many classes to name, best first. Default: 5, or all if there are fewer. */
  topK?: number | undefined;
  /** Aborts; the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /**
   * For lists and streams: called for each picture that cannot be read (ERR_FILE, ERR_IMAGE) or whose logits are not finite
   * (ERR_NOT_FINITE), with its index in the list. Its predictions are then `[]`, and the others go on. Default: the first such picture fails the call.
   */
  onError?: ((error: ResNetError, index: number) => void) | undefined;
}

/**
 * A network with its preprocessing and labels, for classifying pictures.
 *
 * @example
 * const classifier = await ImageClassifier.create({ weights: 'resnet50.safetensors' });
 * const [best] = await classifier.classify('dog.jpg'); // { label: 'malamute', index: 249, score: 0.61 }
 */
export class ImageClassifier {
  readonly labels: readonly string[];
  /** How logits become scores. */
  readonly activation: Activation;
  readonly #network: OptimizedResNet;
  readonly #pictures: Pictures;
  #disposed = false;
  #inFlight = 0;

  private constructor(
    network: OptimizedResNet,
    { labels, activation }: { labels: readonly string[]; activation: Activation },
    pictures: Pictures,
  ) {
    this.#network = network;
    this.labels = labels;
    this.activation = activation;
    this.#pictures = pictures;
  }

  /**
   * Loads weights and labels.
   *
   * @throws ERR_ARGUMENT, ERR_UNSUPPORTED_LAYERS, ERR_UNSUPPORTED_DTYPE, ERR_FILE, ERR_WEIGHTS_…, ERR_DOWNLOAD,
   *   ERR_DEVICE, ERR_CUDA_…
   */
  static async create(options: ImageClassifierOptions): Promise<ImageClassifier> {
    const { maxPixels } = checkClassifierOptions(options);
    const { streams, calibration } = options;
    const { network, preprocess, ...scoring } = await openModel(options, async (_, preprocess) => ({
      streams,
      calibration: await calibrationOf(calibration, new Pictures(preprocess, maxPixels)),
    }));
    return new ImageClassifier(network, scoring, new Pictures(preprocess, maxPixels));
  }

  /** How a picture becomes the network's input, defaults filled in. */
  get preprocess(): ResolvedPreprocess {
    return this.#pictures.preprocess;
  }

  /** The depth: 18, 34, 50, 101 or 152. */
  get layers(): Layers {
    return this.#network.layers;
  }

  /** The number of classes. */
  get numClasses(): number {
    return this.#network.numClasses;
  }

  /** The dtype that it computes in. */
  get dtype(): OptimizedDType {
    return this.#network.dtype;
  }

  /** 'cpu' or 'cuda:N'. */
  get device(): Device {
    return this.#network.device;
  }

  /**
   * Names what a picture shows, best first; of equal scores the lower index comes first.
   *
   * Pictures of a list are decoded in parallel, a few at a time, and run in batches of up to 32. One that cannot be read
   * fails the call, unless there is a {@link ClassifyOptions.onError}.
   *
   * Of a stream, a few dozen pictures are in memory at a time: those ahead of what the caller has received wait. A
   * picture of a slow stream is not kept waiting for a full batch. When the caller stops, or the signal aborts, the
   * stream is closed by its `return()`.
   *
   * @param image - a picture (bytes are copied before this returns), a list of them, or a stream of them: anything else
   *   that `for await` accepts
   * @returns predictions for the picture, for each of the list, or one after the other for those of the stream
   * @throws ERR_FILE, ERR_IMAGE, ERR_NOT_FINITE, ERR_ARGUMENT, ERR_DISPOSED, ERR_OUT_OF_MEMORY, or the signal's reason
   */
  classify(image: Image, options?: ClassifyOptions): Promise<Prediction[]>;
  classify(images: readonly Image[], options?: ClassifyOptions): Promise<Prediction[][]>;
  classify(images: ImageStream, options?: ClassifyOptions): AsyncGenerator<Prediction[]>;
  classify(
    images: Image | readonly Image[] | ImageStream,
    options: ClassifyOptions = {},
  ): Promise<Prediction[] | Prediction[][]> | AsyncGenerator<Prediction[]> {
    return isImageStream(images) ? this.#classifyStream(images, options) : this.#classifyList(images, options);
  }

  async #classifyList(
    image: Image | readonly Image[],
    options: ClassifyOptions,
  ): Promise<Prediction[] | Prediction[][]> {
    if (this.#disposed) throw new ResNetError('ERR_DISPOSED', 'The classifier was disposed of.');
    const { onError, ...checked } = this.#checkClassify(options);
    if (!isList(image)) {
      const images = [copyImage(image, 'image')];
      const [predictions = []] = await this.#hold(() => this.#classify(images, { ...checked, name: () => 'image' }));
      return predictions;
    }
    const name = (i: number): string => `image[${i}]`;
    const images = Array.from(image, (item, i) => copyImage(item, name(i))); // map() would skip holes
    return this.#hold(() => this.#classify(images, { ...checked, onError, name }));
  }

  /**
   * Shows which parts of a picture look like a class to the network: its class activation map.
   *
   * @param image - a picture; bytes are copied before this returns
   * @throws as {@link ImageClassifier.classify}
   *
   * @example
   * const { label, map, crop } = await classifier.explain('dog.jpg'); // map: [7, 7], over `crop`
   */
  async explain(image: Image, options: ExplainOptions = {}): Promise<Explanation> {
    const internals = ImageClassifier.internals(this);
    const checked = checkExplain(options, this.numClasses);
    const copy = copyImage(image, 'image');
    return this.#hold(async () => {
      checked.signal?.throwIfAborted();
      return await explainPicture(internals, await this.#pictures.decode(copy, 'image'), checked);
    });
  }

  /** Access for the rest of the package, not for users. @internal */
  static internals(classifier: ImageClassifier): ClassifierInternals {
    if (classifier.#disposed) throw new ResNetError('ERR_DISPOSED', 'The classifier was disposed of.');
    const { labels, activation } = classifier;
    return { network: classifier.#network, labels, activation, pictures: classifier.#pictures };
  }

  /** Writes the calibration of int8, for the `calibration` of the next create. @throws ERR_CALIBRATION, ERR_FILE */
  async saveCalibration(path: string): Promise<void> {
    if (this.#disposed) throw new ResNetError('ERR_DISPOSED', 'The classifier was disposed of.');
    await this.#network.saveCalibration(path);
  }

  /** Frees the network's memory as soon as the work in flight is done. Disposing again does nothing. */
  dispose(): void {
    this.#disposed = true;
    if (this.#inFlight === 0) this.#network.dispose();
  }

  /** `using` calls this; the same as `dispose()`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Keeps the network for work that has begun, even if the classifier is disposed of meanwhile. */
  async #hold<T>(work: () => Promise<T>): Promise<T> {
    this.#inFlight++;
    try {
      return await work();
    } finally {
      if (--this.#inFlight === 0 && this.#disposed) this.#network.dispose();
    }
  }

  async #classify(
    images: readonly Image[],
    { topK, ...options }: { topK: number } & Omit<CropOptions, 'batchSize'>,
  ): Promise<Prediction[][]> {
    const { signal } = options;
    signal?.throwIfAborted();
    const predictions: Prediction[][] = [];
    const forwardOptions: InternalForwardOptions = { signal, [IN_PLACE]: true };
    const forward = (batch: Tensor): Promise<Tensor> => this.#network.forward(batch, forwardOptions);
    for await (const logits of this.#pictures.forwardAll(images, { ...options, batchSize: BATCH_SIZE }, forward)) {
      predictions.push(logits === undefined ? [] : topPredictions(logits, this, topK));
    }
    return predictions;
  }

  async *#classifyStream(images: ImageStream, options: ClassifyOptions): AsyncGenerator<Prediction[]> {
    const { topK, ...checked } = this.#checkClassify(options);
    const forwardOptions: InternalForwardOptions = { signal: checked.signal, [IN_PLACE]: true };
    const forward = async (batch: Tensor): Promise<Tensor> => {
      const { network } = ImageClassifier.internals(this); // it may be disposed of between two batches
      return this.#hold(() => network.forward(batch, forwardOptions));
    };
    const streamOptions = { ...checked, name: (i: number) => `image[${i}]`, batchSize: STREAM_BATCH_SIZE };
    for await (const logits of this.#pictures.forwardStream(images, streamOptions, forward)) {
      yield logits === undefined ? [] : topPredictions(logits, this, topK);
    }
  }

  #checkClassify(options: ClassifyOptions): ClassifyOptions & { topK: number } {
    checkOptionsObject(options, ['topK', 'signal', 'onError']);
    const { topK = Math.min(5, this.numClasses), onError } = options;
    checkInteger('topK', topK, 1, this.numClasses);
    if (onError !== undefined && typeof onError !== 'function') throw badArgument('onError', 'a function', onError);
    return { topK, onError, signal: checkSignal(options) };
  }
}

/** See {@link ImageClassifier.internals}. */
export interface ClassifierInternals extends Explainer {
  network: OptimizedResNet;
}

/** Pictures in one forward; larger batches are not faster. */
const BATCH_SIZE = 32;
/** Fewer, since twice as many are in memory. */
const STREAM_BATCH_SIZE = 16;

function isList(image: Image | readonly Image[]): image is readonly Image[] {
  return Array.isArray(image);
}

/** The calibration as the network takes it. Only a few pictures are in memory uncropped at a time. */
async function calibrationOf(
  calibration: ImageClassifierOptions['calibration'],
  pictures: Pictures,
): Promise<Calibration | undefined> {
  if (calibration === undefined || typeof calibration === 'string') return calibration;
  const name = (i: number): string => `calibration[${i}]`;
  const images = Array.from(calibration, (image, i) => copyImage(image, name(i)));
  const batches: Tensor[] = [];
  for await (const cropped of pictures.cropAll(images, { batchSize: CALIBRATION_BATCH_SIZE, name })) {
    batches.push(toBatch(cropped.filter((picture) => picture !== undefined)));
  }
  return batches;
}

/** Calibration runs libtorch's own operators, whose memory grows with the batch. */
const CALIBRATION_BATCH_SIZE = 4;
