import type { NativePicture } from '../addon';
import { checkInteger, checkOptionsObject } from '../check';
import type { Layers } from '../depths';
import { badArgument, ResNetError } from '../errors';
import { checkSignal, type Device } from '../module';
import { OptimizedResNet, type Calibration, type OptimizedDType } from '../optimized';
import { checkCreate, load, type ImageClassifierOptions } from './classifier-options';
import type { Tensor } from '../tensor';
import { checkImage, type Image } from './decode';
import { checkExplain, explainPicture, type Explainer, type ExplainOptions, type Explanation } from './explain';
import { batchOf, discard, Pictures } from './pictures';
import type { ResolvedPreprocess } from './preprocess';
import { best, softmax } from './scores';

/** Options of {@link ImageClassifier.classify}. */
export interface ClassifyOptions {
  /** How many classes to name, best first. Default: 5, or all where there are fewer. */
  topK?: number | undefined;
  /** Cancels; the promise rejects with its reason. */
  signal?: AbortSignal | undefined;
  /**
   * For lists: told of each picture that cannot be read (ERR_FILE, ERR_IMAGE), with its place in the list. Its
   * predictions are then `[]`, and the others go on. Default: the first such picture fails all of them.
   */
  onError?: ((error: ResNetError, index: number) => void) | undefined;
}

/** One class that a picture may show. */
export interface Prediction {
  label: string;
  /** The number of the class, from 0. */
  index: number;
  /** Softmax of the network's logits, 0 to 1. */
  score: number;
}

/**
 * A network with all around it that naming a picture takes.
 *
 * @example
 * const classifier = await ImageClassifier.create({ weights: 'resnet50.safetensors' });
 * const [best] = await classifier.classify('dog.jpg'); // { label: 'malamute', index: 249, score: 0.61 }
 */
export class ImageClassifier {
  readonly labels: readonly string[];
  readonly #network: OptimizedResNet;
  readonly #pictures: Pictures;
  #disposed = false;
  #inFlight = 0;

  private constructor(network: OptimizedResNet, labels: readonly string[], pictures: Pictures) {
    this.#network = network;
    this.labels = labels;
    this.#pictures = pictures;
  }

  /**
   * Loads weights and labels.
   *
   * @throws ERR_ARGUMENT, ERR_UNSUPPORTED_LAYERS, ERR_UNSUPPORTED_DTYPE, ERR_FILE, ERR_WEIGHTS_…, ERR_DOWNLOAD,
   *   ERR_DEVICE, ERR_CUDA_…
   */
  static async create(options: ImageClassifierOptions): Promise<ImageClassifier> {
    const { maxPixels } = checkCreate(options);
    const { dtype, threads, streams, signal } = options;
    const { network: loaded, preprocess, labels } = await load(options);
    using network = loaded;
    const pictures = new Pictures(preprocess, maxPixels);
    const calibration = dtype === 'int8' ? await calibrationOf(options.calibration, pictures) : undefined;
    const { mean, std } = preprocess;
    // The network's own memory goes over to the optimized one layer by layer: there is never twice as much of it.
    const optimized = await OptimizedResNet.from(
      network,
      { dtype, threads, streams, calibration, mean, std, signal },
      true,
    );
    return new ImageClassifier(optimized, labels, pictures);
  }

  /** How a picture becomes the network's input, everything filled in. */
  get preprocess(): ResolvedPreprocess {
    return this.#pictures.preprocess;
  }

  /** The depth: 18, 34, 50, 101 or 152. */
  get layers(): Layers {
    return this.#network.layers;
  }

  /** How many classes the network tells apart. */
  get numClasses(): number {
    return this.#network.numClasses;
  }

  /** What it computes in. */
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
   * Several pictures are decoded in parallel, a few at a time, and run in batches of up to 32. One that cannot be read
   * fails all of them, unless {@link ClassifyOptions.onError} takes it.
   *
   * @param image - a picture (bytes are copied before this returns), or a list of them
   * @throws ERR_FILE, ERR_IMAGE, ERR_ARGUMENT, ERR_DISPOSED, ERR_OUT_OF_MEMORY, or the signal's reason
   */
  classify(image: Image, options?: ClassifyOptions): Promise<Prediction[]>;
  classify(images: readonly Image[], options?: ClassifyOptions): Promise<Prediction[][]>;
  async classify(
    image: Image | readonly Image[],
    options: ClassifyOptions = {},
  ): Promise<Prediction[] | Prediction[][]> {
    if (this.#disposed) throw new ResNetError('ERR_DISPOSED', 'The classifier was disposed of.');
    const asked = this.#checkClassify(options);
    if (!isList(image)) {
      const taken = takeImage(image, 'image');
      const [predictions = []] = await this.#held(() =>
        this.#classify([taken], ['image'], { ...asked, onError: undefined }),
      );
      return predictions;
    }
    const names = image.map((_, i) => `image[${i}]`);
    const images = image.map((one, i) => takeImage(one, `image[${i}]`));
    return this.#held(() => this.#classify(images, names, asked));
  }

  /**
   * Tells where a picture looks like a class, as the network sees it: its class activation map.
   *
   * @param image - a picture; bytes are copied before this returns
   * @throws as {@link ImageClassifier.classify}
   *
   * @example
   * const { label, map, crop } = await classifier.explain('dog.jpg'); // map: [7, 7], crop: where it lies
   */
  async explain(image: Image, options: ExplainOptions = {}): Promise<Explanation> {
    const access = ImageClassifier.access(this);
    const asked = checkExplain(options, this.numClasses);
    const taken = takeImage(image, 'image');
    return access.held(async () => {
      asked.signal?.throwIfAborted();
      return await explainPicture(access, await this.#pictures.decode(taken, 'image'), asked);
    });
  }

  /** What the rest of the package may do with a classifier and users may not. @internal */
  static access(classifier: ImageClassifier): ClassifierAccess {
    if (classifier.#disposed) throw new ResNetError('ERR_DISPOSED', 'The classifier was disposed of.');
    return {
      network: classifier.#network,
      labels: classifier.labels,
      pictures: classifier.#pictures,
      held: (work) => classifier.#held(work),
    };
  }

  /** Writes what int8 was calibrated with, for the `calibration` of the next start. @throws ERR_CALIBRATION, ERR_FILE */
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

  /** Work that was begun is finished, whatever becomes of the classifier meanwhile. */
  async #held<T>(work: () => Promise<T>): Promise<T> {
    this.#inFlight++;
    try {
      return await work();
    } finally {
      if (--this.#inFlight === 0 && this.#disposed) this.#network.dispose();
    }
  }

  async #classify(images: readonly Image[], names: readonly string[], asked: Asked): Promise<Prediction[][]> {
    const { signal, onError } = asked;
    signal?.throwIfAborted();
    if (images.length === 1 && onError === undefined) {
      const picture = await this.#pictures.decode(images[0] as Image, names[0] ?? 'image');
      return this.#forward([picture], this.#pictures.preprocess, asked);
    }
    const predictions = images.map((): Prediction[] => []);
    const { preprocess } = this.#pictures;
    const name = (i: number): string => names[i] ?? 'image';
    let start = 0;
    for await (const cropped of this.#pictures.batches(images, { most: MAX_PICTURES, name, signal, onError })) {
      const pictures = cropped.filter((picture) => picture !== undefined);
      const own = { ...preprocess, resize: preprocess.crop }; // the size that they have already
      const answers = pictures.length === 0 ? [] : await this.#forward(pictures, own, asked);
      const each = answers.values();
      cropped.forEach((picture, i) => {
        if (picture !== undefined) predictions[start + i] = each.next().value ?? [];
      });
      start += cropped.length;
    }
    return predictions;
  }

  async #forward(
    pictures: readonly NativePicture[],
    preprocess: ResolvedPreprocess,
    { topK, signal }: Asked,
  ): Promise<Prediction[][]> {
    const logits = await this.#network.forwardPictures(pictures, preprocess, { signal });
    discard(pictures);
    const values = logits.toFloat32();
    return pictures.map((_, i) => {
      const scores = softmax(values.subarray(i * this.numClasses, (i + 1) * this.numClasses));
      return best(scores, topK).map((index) => this.#prediction(index, scores));
    });
  }

  #prediction(index: number, scores: Float64Array): Prediction {
    return { label: this.labels[index] ?? '', index, score: scores[index] ?? 0 };
  }

  #checkClassify(options: ClassifyOptions): Asked {
    checkOptionsObject(options, ['topK', 'signal', 'onError']);
    const { topK = Math.min(5, this.numClasses), onError } = options;
    checkInteger('topK', topK, 1, this.numClasses);
    if (onError !== undefined && typeof onError !== 'function') throw badArgument('onError', 'a function', onError);
    return { topK, onError, signal: checkSignal(options) };
  }
}

/** See {@link ImageClassifier.access}. */
export interface ClassifierAccess extends Explainer {
  network: OptimizedResNet;
  /** Does some work with the network, which is not disposed of meanwhile. */
  held: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Options of a classify, checked. */
interface Asked {
  topK: number;
  signal: AbortSignal | undefined;
  onError: ClassifyOptions['onError'];
}

/** Pictures in one forward: a larger batch gains nothing more. */
const MAX_PICTURES = 32;

/** Bytes are copied at once: the caller may change them while earlier pictures are being decoded. */
function takeImage(image: Image, argument: string): Image {
  checkImage(image, argument);
  return typeof image === 'string' ? image : new Uint8Array(image);
}

function isList(image: Image | readonly Image[]): image is readonly Image[] {
  return Array.isArray(image);
}

/** What int8 is calibrated with, as the network takes it: a few pictures at a time are in memory as they were. */
async function calibrationOf(
  calibration: ImageClassifierOptions['calibration'],
  pictures: Pictures,
): Promise<Calibration | undefined> {
  if (calibration === undefined || typeof calibration === 'string') return calibration;
  const name = (i: number): string => `calibration[${i}]`;
  const images = calibration.map((image, i) => takeImage(image, name(i)));
  const batches: Tensor[] = [];
  for await (const cropped of pictures.batches(images, { most: CALIBRATION_BATCH, name })) {
    batches.push(batchOf(cropped.filter((picture) => picture !== undefined)));
  }
  return batches;
}

/** Of libtorch's own operators, whose memory grows with it. */
const CALIBRATION_BATCH = 4;
