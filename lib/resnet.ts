import { badArgument } from './errors';
import { checkInteger, checkOptionsObject } from './check';
import { SUPPORTED_LAYERS, unsupportedLayers, type Layers } from './depths';
import {
  loadValuesInto,
  Module,
  readStateInto,
  stateSpecOf,
  UNWRITTEN,
  zeroed,
  type Device,
  type ModuleOptions,
} from './module';
import { transpose, type DType } from './tensor';
import { convertState, type SaveOptions } from './weights/convert';
import { identifyResNet } from './weights/identify';
import { matchState, type LoadOptions } from './weights/match';
import { checkTensors, eachTensor, openWeights } from './weights/read';
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
   * @param path - a file that {@link readWeights} reads, under the names of any {@link LoadOptions.naming}
   * @throws ERR_FILE, ERR_UNSUPPORTED_FORMAT, ERR_WEIGHTS_FORMAT, ERR_WEIGHTS_GLOBAL, ERR_WEIGHTS_MISMATCH; as the
   *   constructor otherwise
   *
   * @example
   * const net = await ResNet.load('resnet50.safetensors');
   */
  static async load(path: string, options: ResNetLoadOptions = {}): Promise<ResNet> {
    checkOptionsObject(options);
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
      const pairs = match.pairs.map((pair) => ({ pair, entry: given.get(pair.given) as WeightEntry }));
      const straight = pairs.filter(({ pair, entry }) => !pair.transposed && entry.packing === undefined);
      await checkTensors(
        path,
        straight.map(({ entry }) => entry),
      );
      await readStateInto(
        net,
        path,
        straight.map(({ pair, entry }) => ({ ...entry, name: pair.name, dtype: entry.dtype as DType })),
      );
      // What does not lie in the file as it is wanted goes through memory of its own, one tensor at a time.
      await eachTensor(
        path,
        pairs.filter((one) => !straight.includes(one)).map(({ pair, entry }) => ({ ...entry, pair })),
        ({ pair }, tensor) => loadValuesInto(net, [[pair.name, pair.transposed ? transpose(tensor) : tensor]]),
      );
      loadValuesInto(net, zeroed(match.untracked));
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
