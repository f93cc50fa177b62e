import { addon, native, type NativePicture } from '../addon';
import { checkInteger, checkOptionsObject } from '../check';
import type { Layers } from '../depths';
import { badArgument, ResNetError, show } from '../errors';
import { checkSignal, forwardPictures, settled, type Device } from '../module';
import { ResNet, type ResNetLoadOptions } from '../resnet';
import { isWeightsName, publishedWeights, type WeightsName } from '../weights/published';
import { checkImage, decode, MOST_PIXELS } from './decode';
import { checkExplain, explainPicture, type Explainer, type ExplainOptions, type Explanation } from './explain';
import { readLabels, readNames } from './labels';
import { boundedMap } from './bounded-map';
import { checkPreprocess, checkResized, type Preprocess, type ResolvedPreprocess } from './preprocess';
import type { PreprocessPreset } from './presets';
import { best, softmax } from './scores';
import { sourceOfNetwork } from './source';
import type { WeightSource } from '../weights/source';

/** Options of {@link ImageClassifier.create}. */
export interface ImageClassifierOptions {
  /**
   * The path of a weight file; or 'IMAGENET1K_V1', 'IMAGENET1K_V2' or 'DEFAULT' for torchvision's weights, as
   * {@link ResNet.load} fetches them, with the preprocessing that belongs to them; or 'random' or 'random:SEED' for an
   * untrained network, for trials. A file of such a name is './random'.
   */
  weights: WeightsName | (string & {});
  /** Needed with torchvision's names. Default: what the weight file tells; 50 for random weights. */
  layers?: Layers | undefined;
  /** Default: what the weight file tells; for random weights one for each label, 1000 without labels. */
  numClasses?: number | undefined;
  /** Default: 'cpu'. */
  device?: Exclude<Device, 'meta'> | undefined;
  /** Default, and the only one so far: 'float32'. */
  dtype?: 'float32' | undefined;
  /**
   * Names of the classes, or the path of a file of them. Default: those that `config.json` beside the weights tells
   * (Hugging Face's or timm's), else ImageNet's for 1000 classes, else `class 0`, …
   */
  labels?: readonly string[] | string | undefined;
  /**
   * A preset's name, or what differs from one. Default: what belongs to torchvision's weights, or what the files beside
   * the weights tell (Hugging Face's or timm's), else 'imagenet-v1', torchvision's evaluation preset.
   */
  preprocess?: Preprocess | PreprocessPreset | undefined;
  /** Cores that one classify may use. Default: all that the process has. */
  threads?: number | undefined;
  /** How many classifies may run at the same time, at least; for the whole process. Default: as it is. */
  streams?: number | undefined;
  /** Belongs to int8, which is not supported yet. */
  calibration?: undefined;
  /** The most pixels that a picture may claim. Default: 100 million. */
  maxPixels?: number | undefined;
  /** For torchvision's names: called as bytes arrive. */
  onProgress?: ResNetLoadOptions['onProgress'];
  /** For torchvision's names: ends the download. */
  signal?: AbortSignal | undefined;
}

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

/** A path, or a picture's bytes: JPEG, PNG, WebP, TIFF, or the first frame of a GIF. */
export type Image = string | Uint8Array;

/**
 * A network with all around it that naming a picture takes.
 *
 * @example
 * const classifier = await ImageClassifier.create({ weights: 'resnet50.safetensors' });
 * const [best] = await classifier.classify('dog.jpg'); // { label: 'malamute', index: 249, score: 0.61 }
 */
export class ImageClassifier {
  readonly labels: readonly string[];
  readonly #network: ResNet;
  readonly #preprocess: ResolvedPreprocess;
  readonly #maxPixels: number;
  readonly #threads: number | undefined;
  #disposed = false;
  #inFlight = 0;

  private constructor(network: ResNet, labels: readonly string[], checked: Checked) {
    this.#network = network;
    this.labels = labels;
    this.#preprocess = checked.preprocess;
    this.#maxPixels = checked.maxPixels;
    this.#threads = checked.threads;
  }

  /**
   * Loads weights and labels.
   *
   * @throws ERR_ARGUMENT, ERR_UNSUPPORTED_LAYERS, ERR_UNSUPPORTED_DTYPE, ERR_FILE, ERR_WEIGHTS_…, ERR_DOWNLOAD,
   *   ERR_DEVICE, ERR_CUDA_…
   */
  static async create(options: ImageClassifierOptions): Promise<ImageClassifier> {
    const checked = checkOptions(options);
    const { streams } = checked;
    const network = await makeNetwork(options);
    try {
      const source = await sourceOfWeights(options.weights, network);
      const preprocess = preprocessOf(source, options.preprocess);
      const labels = await readLabels(options.labels ?? source.labels, network.numClasses);
      if (streams !== undefined) native((binding) => binding.ensureStreams(streams));
      return new ImageClassifier(network, labels, { ...checked, preprocess });
    } catch (error) {
      network.dispose();
      throw error;
    }
  }

  /** How a picture becomes the network's input, everything filled in. */
  get preprocess(): ResolvedPreprocess {
    return this.#preprocess;
  }

  get layers(): Layers {
    return this.#network.layers;
  }

  get numClasses(): number {
    return this.#network.numClasses;
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
      return await explainPicture(access, await access.decode(taken, 'image'), asked);
    });
  }

  /** What the rest of the package may do with a classifier and users may not. @internal */
  static access(classifier: ImageClassifier): ClassifierAccess {
    if (classifier.#disposed) throw new ResNetError('ERR_DISPOSED', 'The classifier was disposed of.');
    return {
      network: classifier.#network,
      labels: classifier.labels,
      preprocess: classifier.#preprocess,
      threads: classifier.#threads,
      decode: (image, argument) => classifier.#decode(image, argument),
      crop: (image, argument) => classifier.#crop(image, argument, undefined),
      held: (work) => classifier.#held(work),
    };
  }

  /** Frees the network's memory as soon as the work in flight is done. Disposing again does nothing. */
  dispose(): void {
    this.#disposed = true;
    if (this.#inFlight === 0) this.#network.dispose();
  }

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
      const picture = await this.#decode(images[0] as Image, names[0] ?? 'image');
      return this.#forward([picture], this.#preprocess, asked);
    }
    const predictions = images.map((): Prediction[] => []);
    const { crop } = this.#preprocess;
    const most = Math.max(1, Math.min(MOST_PICTURES, Math.floor(MOST_CROPPED / crop ** 2)));
    for (let start = 0; start < images.length; start += most) {
      const cropped = await boundedMap(
        images.slice(start, start + most),
        Math.min(addon().threads().cores, MOST_DECODED),
        async (image, i) => {
          signal?.throwIfAborted();
          try {
            return await this.#crop(image, names[start + i] ?? 'image', signal);
          } catch (error) {
            if (onError === undefined || !isUnreadable(error)) throw error;
            onError(error, start + i);
            return undefined;
          }
        },
      );
      const pictures = cropped.filter((picture) => picture !== undefined);
      if (pictures.length === 0) continue;
      // Resizing what has that size already changes nothing.
      const answers = (await this.#forward(pictures, { ...this.#preprocess, resize: crop }, asked)).values();
      for (const [i, picture] of cropped.entries()) {
        if (picture !== undefined) predictions[start + i] = answers.next().value ?? [];
      }
    }
    return predictions;
  }

  /** Cropped at once: a list of photographs would need gigabytes until its last one is decoded. */
  async #crop(image: Image, argument: string, signal: AbortSignal | undefined): Promise<NativePicture> {
    const picture = await this.#decode(image, argument);
    const { data } = await settled(
      () => native((binding) => binding.resizeAndCrop([picture], this.#preprocess)),
      signal,
    );
    const { crop } = this.#preprocess;
    return { data: data as Uint8Array, width: crop, height: crop };
  }

  async #forward(
    pictures: readonly NativePicture[],
    preprocess: ResolvedPreprocess,
    { topK, signal }: Asked,
  ): Promise<Prediction[][]> {
    const logits = await forwardPictures(this.#network, pictures, preprocess, { signal, threads: this.#threads });
    const values = logits.toFloat32();
    return pictures.map((_, i) => {
      const scores = softmax(values.subarray(i * this.numClasses, (i + 1) * this.numClasses));
      return best(scores, topK).map((index) => this.#prediction(index, scores));
    });
  }

  #prediction(index: number, scores: Float64Array): Prediction {
    return { label: this.labels[index] ?? '', index, score: scores[index] ?? 0 };
  }

  async #decode(image: Image, argument: string): Promise<NativePicture> {
    const picture = await decode(image, { maxPixels: this.#maxPixels, argument });
    checkResized(picture, this.#preprocess.resize, Math.max(this.#maxPixels, MOST_PIXELS), argument);
    return picture;
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
  decode: (image: Image, argument: string) => Promise<NativePicture>;
  /** Decodes a picture and cuts out what the network gets of it. */
  crop: (image: Image, argument: string) => Promise<NativePicture>;
  /** Does some work with the network, which is not disposed of meanwhile. */
  held: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Options of a classify, checked. */
interface Asked {
  topK: number;
  signal: AbortSignal | undefined;
  onError: ClassifyOptions['onError'];
}

interface Checked {
  preprocess: ResolvedPreprocess;
  maxPixels: number;
  threads: number | undefined;
  streams: number | undefined;
}

/** Pictures in one forward: a larger batch gains nothing more. */
const MOST_PICTURES = 32;
/** Pixels in one forward, after cropping: large crops come in small batches. */
const MOST_CROPPED = MOST_PICTURES * 512 ** 2;
/** Pictures decoded at a time, each up to the pixel limit. (libuv's pool, where sharp works, has four threads.) */
const MOST_DECODED = 8;
const MOST_THREADS = 1024;
const MOST_STREAMS = 256;

/** `Record`, so that an option that is added above cannot be forgotten here. */
const OPTIONS: Record<keyof ImageClassifierOptions, true> = {
  weights: true,
  layers: true,
  numClasses: true,
  device: true,
  dtype: true,
  labels: true,
  preprocess: true,
  threads: true,
  streams: true,
  calibration: true,
  maxPixels: true,
  signal: true,
  onProgress: true,
};

function checkOptions(options: ImageClassifierOptions): Checked {
  checkOptionsObject(options, Object.keys(OPTIONS));
  const { weights, dtype = 'float32', calibration, device } = options;
  const { maxPixels = MOST_PIXELS, threads, streams } = options;
  if (typeof weights !== 'string' || weights === '') {
    throw badArgument(
      'weights',
      "the path of a weight file, a name of torchvision's, 'random' or 'random:SEED'",
      weights,
    );
  }
  if (dtype !== 'float32') throw badArgument('dtype', "'float32'", dtype, 'ERR_UNSUPPORTED_DTYPE');
  if (calibration !== undefined) {
    throw new ResNetError('ERR_UNSUPPORTED_DTYPE', 'calibration belongs to dtype int8, which is not supported.');
  }
  if ((device as string | undefined) === 'meta')
    throw badArgument('device', "'cpu', 'cuda' or 'cuda:N'", device, 'ERR_DEVICE');
  checkInteger('maxPixels', maxPixels, 1, Number.MAX_SAFE_INTEGER);
  if (threads !== undefined) checkInteger('threads', threads, 1, MOST_THREADS);
  if (streams !== undefined) checkInteger('streams', streams, 1, MOST_STREAMS);
  if (isWeightsName(weights)) publishedWeights(weights, options.layers); // a name and a depth that go together
  return { preprocess: checkPreprocess(options.preprocess), maxPixels, threads, streams };
}

/** What is known of the weights beside their values. */
async function sourceOfWeights(weights: string, network: ResNet): Promise<Partial<WeightSource>> {
  if (isRandom(weights)) return {};
  if (!isWeightsName(weights)) return await sourceOfNetwork(weights, network);
  const { resize, crop, interpolation } = publishedWeights(weights, network.layers);
  return { preprocess: { resize, crop, interpolation } };
}

/** What was asked for, before what the source tells; not tacitly another than a source that cannot be followed. */
function preprocessOf(
  source: Partial<WeightSource>,
  preprocess: ImageClassifierOptions['preprocess'],
): ResolvedPreprocess {
  const asked = typeof preprocess === 'string' || Object.values(preprocess ?? {}).some((value) => value !== undefined);
  if (source.unsupportedPreprocess !== undefined && !asked) {
    const reason = source.unsupportedPreprocess;
    throw new ResNetError(
      'ERR_ARGUMENT',
      `preprocess must be given, because that of the weights is not supported: ${reason}.`,
    );
  }
  return checkPreprocess(preprocess, source.preprocess);
}

/** Whether `weights` asks for an untrained network, instead of naming a file. */
export function isRandom(weights: string): boolean {
  return weights === 'random' || weights.startsWith('random:');
}

/** The seed of 'random:SEED'; null for 'random'; undefined for a path. */
function seedOf(weights: string): number | null | undefined {
  if (!isRandom(weights)) return undefined;
  if (weights === 'random') return null;
  const digits = weights.slice('random:'.length);
  const seed = Number(digits);
  if (!/^\d+$/.test(digits) || !Number.isSafeInteger(seed)) {
    throw new ResNetError(
      'ERR_ARGUMENT',
      `weights must be 'random:SEED' with an integer from 0 to 2^53 - 1, but got ${show(weights)}.`,
    );
  }
  return seed;
}

async function makeNetwork(options: ImageClassifierOptions): Promise<ResNet> {
  const { weights, layers, numClasses, device, labels, onProgress, signal } = options;
  const seed = seedOf(weights);
  if (seed === undefined) return await ResNet.load(weights, { layers, numClasses, device, onProgress, signal });
  const classes = numClasses ?? (labels === undefined ? 1000 : (await readNames(labels)).length);
  return new ResNet(layers ?? 50, classes, { device, seed: seed ?? undefined });
}

/** Bytes are copied at once: the caller may change them while earlier pictures are being decoded. */
function takeImage(image: Image, argument: string): Image {
  checkImage(image, argument);
  return typeof image === 'string' ? image : new Uint8Array(image);
}

/** Whether an error is one of a picture, and no reason to give up others. */
export function isUnreadable(error: unknown): error is ResNetError {
  return error instanceof ResNetError && (error.code === 'ERR_FILE' || error.code === 'ERR_IMAGE');
}

function isList(image: Image | readonly Image[]): image is readonly Image[] {
  return Array.isArray(image);
}
