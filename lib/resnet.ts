import { badArgument } from './errors';
import { checkInteger, checkOptionsObject } from './check';
import { SUPPORTED_LAYERS, unsupportedLayers, type Layers } from './depths';
import {
  checkSignal,
  fromNativeTensor,
  loadValuesInto,
  lookInside,
  Module,
  readStateInto,
  stateSpecOf,
  UNWRITTEN,
  zeroed,
  type Device,
  type ForwardOptions,
  type ModuleOptions,
} from './module';
import { OptimizedResNet, type OptimizeOptions } from './optimized';
import { transpose, type DType, type Tensor } from './tensor';
import { fetchWeights } from './weights/published/fetch';
import { checkMetadata, convertState, type SaveOptions } from './weights/convert';
import type { DownloadOptions } from './weights/published/download';
import { nonFinite, warnOfNonFinite } from './weights/finite';
import { identifyResNet } from './weights/names/identify';
import { matchState, type LoadOptions } from './weights/names/match';
import { isWeightsName, type WeightsName } from './weights/published/catalog';
import { byFile, checkTensors, eachTensor, openWeights, readTensors } from './weights/formats/read';
import { saveSafetensors } from './weights/formats/save-safetensors';
import { checkPlain } from './weights/source/read-source';
import type { WeightEntry } from './weights/formats/weight-file';

const MAX_CLASSES = 2 ** 20;

/** The maps of the four stages: 256, 512, 1,024 and 2,048 channels, or 64 to 512 in ResNet-18 and -34. */
export type Stages = [Tensor, Tensor, Tensor, Tensor];

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
    checkInteger('numClasses', numClasses, 1, MAX_CLASSES);
    super({ type: 'ResNet', layers, numClasses }, options);
    this.layers = layers;
    this.numClasses = numClasses;
  }

  /**
   * Makes a ResNet of a weight file, read straight into the parameters' own memory.
   *
   * Which 3x3 or 1x1 convolution carries a bottleneck's stride is in no weight file: the article's and torchvision's
   * (3x3) is taken, and weights trained with the stride in the 1x1 load and answer wrongly, unless Hugging Face's
   * `config.json` beside the file tells (`downsample_in_bottleneck`). Other networks than plain ResNets are refused.
   *
   * @param weights - the path of a file that {@link readWeights} reads, an index of shards
   *   (`model.safetensors.index.json`), or a folder that has a `model.safetensors` or its index; under the names of any
   *   {@link LoadOptions.naming}. Or, with `layers` given, 'IMAGENET1K_V1', 'IMAGENET1K_V2' or 'DEFAULT' for
   *   torchvision's file of that name, which is fetched into the cache and checked by its published SHA-256 (a file of
   *   such a name is './DEFAULT')
   * @throws ERR_FILE, ERR_UNSUPPORTED_FORMAT, ERR_UNSUPPORTED_MODEL, ERR_WEIGHTS_FORMAT, ERR_WEIGHTS_GLOBAL,
   *   ERR_WEIGHTS_MISMATCH, ERR_DOWNLOAD; as the constructor otherwise
   *
   * @example
   * const net = await ResNet.load('resnet50.safetensors');
   */
  static async load(weights: WeightsName | (string & {}), options: ResNetLoadOptions = {}): Promise<ResNet> {
    const signal = checkSignal(options);
    const { layers, onProgress } = options;
    const path = isWeightsName(weights) ? await fetchWeights(weights, layers, { onProgress, signal }) : weights;
    const { path: file, entries } = await openWeights(path);
    const given = new Map(entries.map((entry) => [entry.name, entry]));
    const found =
      options.layers !== undefined && options.numClasses !== undefined
        ? undefined
        : identifyResNet(path, given, options.naming);
    // What a lenient load leaves out has to have some value, so all of it is drawn first.
    const net = new ResNet((options.layers ?? found?.layers) as Layers, options.numClasses ?? found?.numClasses, {
      [UNWRITTEN]: options.strict !== false,
    } as ModuleOptions);
    try {
      const match = matchState(path, stateSpecOf(net), given, options);
      await checkPlain(file, match.naming, net.layers);
      const pairs = match.pairs.map((pair) => ({ pair, entry: given.get(pair.given) as WeightEntry }));
      const straight = pairs.filter(({ pair, entry }) => !pair.transposed && entry.packing === undefined);
      await checkTensors(
        file,
        straight.map(({ entry }) => entry),
      );
      const extents = straight.map(({ pair, entry }) => ({ ...entry, name: pair.name, dtype: entry.dtype as DType }));
      for (const [holder, held] of byFile(file, extents)) await readStateInto(net, holder, held);
      // What does not lie in the file as it is wanted goes through memory of its own, one tensor at a time.
      await eachTensor(
        file,
        pairs.filter((one) => !straight.includes(one)).map(({ pair, entry }) => ({ ...entry, pair })),
        ({ pair }, tensor) => loadValuesInto(net, [[pair.name, pair.transposed ? transpose(tensor) : tensor]]),
      );
      loadValuesInto(net, zeroed(match.untracked));
      if (options.onWarning !== undefined) {
        const bad: string[] = [];
        for (const { entry } of pairs) bad.push(...nonFinite(await readTensors(file, [entry])));
        warnOfNonFinite(path, bad, options.onWarning);
      }
      return options.device === undefined ? net : net.to(options.device);
    } catch (error) {
      net.dispose();
      throw error;
    }
  }

  /**
   * As {@link Module.forward}, up to the global pooling: what `fc` makes the logits of, for search and transfer.
   *
   * @returns float32 [N, C], 512 (ResNet-18 and -34) or 2,048 numbers a picture
   */
  async forwardFeatures(x: Tensor, options: ForwardOptions = {}): Promise<Tensor> {
    return fromNativeTensor(await lookInside(this, x, options, (handle, input) => handle.forwardFeatures(input, 0)));
  }

  /**
   * As {@link Module.forward}: the maps that the four stages of residual blocks make, each half as high and wide as
   * the one before, an odd side rounded up. The mean of the last one over height and width is `forwardFeatures`.
   * Large maps are libtorch's own memory, not copies: another thread gets them cloned, not transferred.
   *
   * @returns four Tensors, float32 [N, C, H, W]
   */
  async stages(x: Tensor, options: ForwardOptions = {}): Promise<Stages> {
    const maps = await lookInside(this, x, options, (handle, input) => handle.stages(input, 0));
    return maps.map(fromNativeTensor) as Stages;
  }

  /**
   * Makes a network that gives the same answers faster, on the device that this one is on. This one stays as it is;
   * dispose of it where it is not needed any more.
   *
   * @throws ERR_UNSUPPORTED_DTYPE where device or processor cannot do it; ERR_CALIBRATION, ERR_FILE, ERR_ARGUMENT
   *
   * @example
   * const fast = await net.optimize({ dtype: 'bfloat16' });
   */
  async optimize(options: OptimizeOptions = {}): Promise<OptimizedResNet> {
    Module.access(this);
    return OptimizedResNet.from(this, options);
  }

  /**
   * Writes the state as a safetensors file, which appears whole or not at all.
   *
   * @throws ERR_FILE, ERR_ARGUMENT, ERR_DTYPE, ERR_BUSY
   */
  async save(path: string, options: SaveOptions = {}): Promise<void> {
    Module.access(this);
    if (typeof path !== 'string' || path === '') throw badArgument('path', 'the path of a file', path);
    checkOptionsObject(options);
    const { metadata = { format: 'pt' } } = options;
    checkMetadata(metadata);
    await saveSafetensors(path, convertState(this.stateDict(), options), metadata);
  }
}
