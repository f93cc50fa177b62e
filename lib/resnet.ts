import { badArgument } from './errors';
import { checkOptionsObject, checkSignal } from './check';
import { checkArchitecture, type Layers } from './depths';
import type { Device } from './devices';
import { Module, UNWRITTEN, type ForwardOptions, type ModuleOptions } from './module';
import { loadValuesInto, readStateInto, runForward } from './module-internals';
import { fromNativeTensor, zeroed } from './native/tensors';
import { OptimizedResNet, type OptimizeOptions } from './optimized';
import { transpose, type DType, type Tensor } from './tensor';
import { fetchWeights } from './weights/published/fetch';
import { checkMetadata, convertState, type SaveOptions } from './weights/convert';
import type { DownloadOptions } from './weights/published/download';
import { hasFiniteValues, warnOfNonFinite } from './weights/finite';
import type { LoadOptions } from './weights/names/match';
import { isWeightsName, WEIGHTS_NAMES, type WeightsName } from './weights/published/catalog';
import { forEachTensor, groupByFile, verifyTensors } from './weights/formats/read';
import { saveSafetensors } from './weights/formats/save-safetensors';
import { planLoad, type LoadPlan } from './weights/plan-load';

/** The maps of the four stages: 256, 512, 1,024 and 2,048 channels, or 64 to 512 in ResNet-18 and -34. */
export type Stages = [Tensor, Tensor, Tensor, Tensor];

/** Options of {@link ResNet.load}. */
export interface ResNetLoadOptions extends LoadOptions {
  /** Default: found from the file. */
  layers?: Layers | undefined;
  /** Default: found from the file. Of a file without a head: draws a new one with as many outputs, untrained. */
  numClasses?: number | undefined;
  /** Draws the values of a new head; the same seed gives the same ones. Default: others each time. */
  seed?: number | undefined;
  /**
   * Where the network is in a file with several: only tensors whose names begin with this are taken, and it is taken
   * off, e.g. `model.` or, for a dict in a checkpoint, `teacher.`. Default: whatever prefix leaves a ResNet's names.
   */
  prefix?: string | undefined;
  /** Default: 'cpu'. */
  device?: Device | undefined;
  /** For torchvision's names: called as bytes arrive. */
  onProgress?: DownloadOptions['onProgress'];
  /** For torchvision's names: ends the download. */
  signal?: AbortSignal | undefined;
}

/**
 * A ResNet as in He et al. 2015, "Deep Residual Learning for Image Recognition" (arXiv:1512.03385), with the stride of
 * bottlenecks in the 3x3 convolution: a 7x7 convolution, max pooling, four stages of residual blocks, global average
 * pooling and a fully connected layer. Names and structure follow "the article", a PaddlePaddle reproduction of it.
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
    checkArchitecture(layers, numClasses);
    super({ type: 'ResNet', layers, numClasses }, options);
    this.layers = layers;
    this.numClasses = numClasses;
  }

  /**
   * Loads a ResNet from a weight file, which is read straight into the parameters' memory.
   *
   * A weight file does not tell which convolution of a bottleneck has the stride. It is the 3x3 one here, as in the
   * article and in torchvision. Weights trained with the stride in the 1x1 convolution load but predict wrongly, unless
   * Hugging Face's `config.json` beside the file declares it (`downsample_in_bottleneck`); then loading fails, as it does
   * for other networks than plain ResNets.
   *
   * Checkpoints hold more than a network. What else is in one is left out; no code in a file is ever run, and
   * {@link LoadOptions.onWarning} is told what was left out.
   *
   * @param weights - the path of a file that {@link readWeights} reads, an index of shards
   *   (`model.safetensors.index.json`), or a folder with a `model.safetensors` or its index; in any
   *   {@link LoadOptions.naming}. Or, with `layers`, 'IMAGENET1K_V1', 'IMAGENET1K_V2' or 'DEFAULT' for torchvision's
   *   weights of that name, which are downloaded into the cache and verified by their published SHA-256 (for a local file
   *   of such a name, write './DEFAULT')
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
    return ResNet.fromPlan(await planLoad(path, { ...options, names: WEIGHTS_NAMES }), options);
  }

  /** Makes the network that a plan describes, and reads the file's values into it. @internal */
  static async fromPlan(plan: LoadPlan, options: ResNetLoadOptions): Promise<ResNet> {
    // Tensors that the file lacks (strict: false, a new head) keep their initial values, so all are drawn first.
    const unwritten = { seed: options.seed, [UNWRITTEN]: options.strict !== false && !plan.headless } as ModuleOptions;
    const network = new ResNet(plan.layers, plan.numClasses, unwritten);
    try {
      await readValuesInto(network, plan);
      if (options.onWarning !== undefined) await warn(plan, options.onWarning);
      return options.device === undefined ? network : network.to(options.device);
    } catch (error) {
      network.dispose();
      throw error;
    }
  }

  /**
   * As {@link Module.forward}, up to the global pooling: the input of `fc`, for search and transfer learning.
   *
   * @returns float32 [N, C], 512 (ResNet-18 and -34) or 2,048 numbers per picture
   */
  async forwardFeatures(x: Tensor, options: ForwardOptions = {}): Promise<Tensor> {
    return fromNativeTensor(await runForward(this, x, options, (handle, input) => handle.forwardFeatures(input, 0)));
  }

  /**
   * As {@link Module.forward}, but returns the outputs of the four stages of residual blocks, each half as high and wide
   * as the one before (odd sides are rounded up). The mean of the last one over height and width is `forwardFeatures`.
   * Large maps are libtorch's memory, not copies; posting them to another thread clones them instead of transferring.
   *
   * @returns four Tensors, float32 [N, C, H, W]
   */
  async stages(x: Tensor, options: ForwardOptions = {}): Promise<Stages> {
    const maps = await runForward(this, x, options, (handle, input) => handle.stages(input, 0));
    return maps.map(fromNativeTensor) as Stages;
  }

  /**
   * Makes a faster network with the same outputs on the same device. This one does not change; dispose of it if it is no
   * longer needed.
   *
   * @throws ERR_UNSUPPORTED_DTYPE if the device or processor does not support it; ERR_CALIBRATION, ERR_FILE, ERR_ARGUMENT
   *
   * @example
   * const fast = await net.optimize({ dtype: 'bfloat16' });
   */
  async optimize(options: OptimizeOptions = {}): Promise<OptimizedResNet> {
    Module.internals(this);
    return OptimizedResNet.from(this, options);
  }

  /**
   * Writes the state as a safetensors file, atomically.
   *
   * @throws ERR_FILE, ERR_ARGUMENT, ERR_DTYPE, ERR_BUSY
   */
  async save(path: string, options: SaveOptions = {}): Promise<void> {
    Module.internals(this);
    if (typeof path !== 'string' || path === '') throw badArgument('path', 'the path of a file', path);
    checkOptionsObject(options);
    const { metadata = { format: 'pt' } } = options;
    checkMetadata(metadata);
    await saveSafetensors(path, convertState(this.stateDict(), options), metadata);
  }
}

/**
 * Reads contiguous values straight into the parameters' memory, and those that have to be unpacked or transposed one
 * tensor at a time.
 */
async function readValuesInto(network: ResNet, plan: LoadPlan): Promise<void> {
  const { path } = plan.file;
  const direct = plan.tensors.filter(({ transposed, packing }) => !transposed && packing === undefined);
  await verifyTensors(path, direct);
  const extents = direct.map((tensor) => ({ ...tensor, name: tensor.target, dtype: tensor.dtype as DType }));
  for (const [file, within] of groupByFile(path, extents)) await readStateInto(network, file, within);

  const others = plan.tensors.filter((tensor) => !direct.includes(tensor));
  await forEachTensor(path, others, ({ target, transposed }, tensor) => {
    loadValuesInto(network, [[target, transposed ? transpose(tensor) : tensor]]);
  });
  loadValuesInto(network, zeroed(plan.untracked));
}

/** Reads the values again, which takes half the time of loading all of them through JavaScript. */
async function warn({ path, file, tensors, warnings }: LoadPlan, onWarning: (message: string) => void): Promise<void> {
  for (const warning of warnings) onWarning(warning);
  const nonFinite = new Set<string>();
  await forEachTensor(file.path, tensors, ({ name }, tensor) => {
    if (!hasFiniteValues(tensor)) nonFinite.add(name);
  });
  const names = tensors.map(({ name }) => name).filter((name) => nonFinite.has(name));
  warnOfNonFinite(path, names, onWarning);
}
