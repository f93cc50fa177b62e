import { badArgument } from './errors';
import { checkInteger, checkOptionsObject } from './check';
import { SUPPORTED_LAYERS, unsupportedLayers, type Layers } from './depths';
import {
  checkSignal,
  loadValuesInto,
  Module,
  readStateInto,
  stateSpecOf,
  UNWRITTEN,
  zeroed,
  type Device,
  type ModuleOptions,
} from './module';
import { transpose, type DType, type Tensor } from './tensor';
import { fetchWeights } from './weights/by-name';
import { convertState, type SaveOptions } from './weights/convert';
import type { DownloadOptions } from './weights/download';
import { identifyResNet } from './weights/identify';
import { matchState, type LoadOptions } from './weights/match';
import { isWeightsName, type WeightsName } from './weights/published';
import { openWeights, readTensors } from './weights/read';
import { saveSafetensors } from './weights/save-safetensors';
import type { WeightEntry } from './weights/weight-file';

const MOST_CLASSES = 2 ** 20;

/** Options of {@link ResNet.load}. */
export interface ResNetLoadOptions extends LoadOptions {
  /** Default: found from the file. */
  layers?: Layers | undefined;
  /** Default: found from the file. */
  numClasses?: number | undefined;
  /** Default: 'cpu'. */
  device?: Device | undefined;
  /** For weights by name: called as bytes arrive. */
  onProgress?: DownloadOptions['onProgress'];
  /** For weights by name: ends the download. */
  signal?: AbortSignal | undefined;
}

/**
 * The article's ResNet (section 3): a 7x7 convolution, max pooling, four stages of residual blocks, global average
 * pooling and a fully connected layer.
 *
 * @example
 * const net = new ResNet(50);
 * const logits = await net.forward(new Tensor(new Float32Array(3 * 224 * 224), [1, 3, 224, 224])); // [1, 1000]
 */
export class ResNet extends Module {
  readonly layers: Layers;
  readonly numClasses: number;

  /**
   * @param layers - 18, 34, 50, 101 or 152
   * @param numClasses - 1 to 2^20. Default: 1000, ImageNet's
   * @throws ERR_UNSUPPORTED_LAYERS, ERR_ARGUMENT, ERR_DEVICE, ERR_CUDA_…
   */
  constructor(layers: Layers, numClasses = 1000, options: ModuleOptions = {}) {
    if (!SUPPORTED_LAYERS.includes(layers)) {
      throw unsupportedLayers(layers);
    }
    checkInteger('numClasses', numClasses, 1, MOST_CLASSES);
    super({ type: 'ResNet', layers, numClasses }, options);
    this.layers = layers;
    this.numClasses = numClasses;
  }

  /**
   * Makes a ResNet of a weight file, read straight into the parameters' own memory.
   *
   * Which 3x3 or 1x1 convolution carries a bottleneck's stride is in no file: the article's and torchvision's (3x3)
   * is taken, and weights trained with the stride in the 1x1 load and answer wrongly.
   *
   * @param weights - the path of a safetensors file, under the names of any {@link LoadOptions.naming}; or, with
   *   `layers` given, 'IMAGENET1K_V1', 'IMAGENET1K_V2' or 'DEFAULT' for torchvision's file of that name, which is
   *   fetched into the cache and checked by its published SHA-256 (a file of such a name is './DEFAULT')
   * @throws ERR_FILE, ERR_UNSUPPORTED_FORMAT, ERR_WEIGHTS_FORMAT, ERR_WEIGHTS_MISMATCH, ERR_DOWNLOAD; as the constructor
   *   otherwise
   *
   * @example
   * const net = await ResNet.load('resnet50.safetensors');
   */
  static async load(weights: WeightsName | (string & {}), options: ResNetLoadOptions = {}): Promise<ResNet> {
    const signal = checkSignal(options);
    const { layers, onProgress } = options;
    const path = isWeightsName(weights) ? await fetchWeights(weights, layers, { onProgress, signal }) : weights;
    const { entries } = await openWeights(path);
    const given = new Map(entries.map((entry) => [entry.name, entry]));
    const found =
      options.layers !== undefined && options.numClasses !== undefined
        ? undefined
        : identifyResNet(path, given, articleNames(), options.naming);
    // What a lenient load leaves out has to have some value, so all of it is drawn first.
    const net = new ResNet((options.layers ?? found?.layers) as Layers, options.numClasses ?? found?.numClasses, {
      [UNWRITTEN]: options.strict !== false,
    } as ModuleOptions);
    try {
      const match = matchState(path, stateSpecOf(net), given, options);
      const file = (pair: { given: string }): WeightEntry => given.get(pair.given) as WeightEntry;
      const [turned, straight] = [true, false].map((side) =>
        match.pairs.filter(({ transposed }) => transposed === side),
      ) as [typeof match.pairs, typeof match.pairs];
      await readStateInto(
        net,
        path,
        straight.map((pair) => ({ ...file(pair), name: pair.name, dtype: file(pair).dtype as DType })),
      );
      const read = await readTensors(path, turned.map(file));
      const transposed = turned.map(({ name, given }) => [name, transpose(read.get(given) as Tensor)] as const);
      loadValuesInto(net, [...transposed, ...zeroed(match.untracked)]);
      return options.device === undefined ? net : net.to(options.device);
    } catch (error) {
      net.dispose();
      throw error;
    }
  }

  /**
   * Writes the state as a safetensors file, which appears whole or not at all.
   *
   * @throws ERR_FILE, ERR_ARGUMENT, ERR_DTYPE
   */
  async save(path: string, options: SaveOptions = {}): Promise<void> {
    if (typeof path !== 'string' || path === '') throw badArgument('path', 'the path of a file', path);
    checkOptionsObject(options);
    const { metadata = { format: 'pt' } } = options;
    if (!isStrings(metadata)) throw badArgument('metadata', 'an object of strings', metadata);
    await saveSafetensors(path, convertState(this.stateDict(), options), metadata);
  }
}

/** Each depth's names, as its modules have them: networks of shapes alone, which cost no memory, made when asked for. */
function* articleNames(): Generator<[Layers, string[]]> {
  for (const layers of SUPPORTED_LAYERS) {
    using net = new ResNet(layers, 1, { device: 'meta' });
    yield [layers, stateSpecOf(net).map(({ name }) => name)];
  }
}

function isStrings(value: unknown): value is Record<string, string> {
  return typeof value === 'object' && value !== null && Object.values(value).every((item) => typeof item === 'string');
}
