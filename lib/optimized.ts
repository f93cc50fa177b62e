import { native, type NativeExplained, type NativeOptimized, type NativePicture, type NativePreprocess } from './addon';
import { readCalibration, writeCalibration, type Range } from './calibration';
import { checkInteger, checkNormalization, checkOptionsObject } from './check';
import type { Layers } from './depths';
import { badArgument, ResNetError } from './errors';
import {
  checkInputShape,
  checkSignal,
  fromNativeTensor,
  INPUT_DTYPES,
  settled,
  settledJob,
  startOptimize,
  toNativeTensor,
  type Device,
  type ForwardOptions,
  type Module,
} from './module';
import { takeTensor, type Tensor } from './tensor';

/** What an optimized network computes in. */
export type OptimizedDType = 'float32' | 'bfloat16' | 'int8';

/**
 * How int8 learns which numbers to expect at each layer: the path of a file that
 * {@link OptimizedResNet.saveCalibration} wrote, or inputs like those to come (some dozens are enough). By
 * 'percentile' the rarest 0.01 % at each end are clipped; by 'minmax', the default, nothing is.
 */
export type Calibration = string | readonly Tensor[] | CalibrationInputs;

/** Inputs to calibrate with, and how. */
export interface CalibrationInputs {
  inputs: readonly Tensor[];
  /** Default: 'minmax'. */
  method?: 'minmax' | 'percentile' | undefined;
}

/** Options of {@link ResNet.optimize}. */
export interface OptimizeOptions {
  /** Default: 'float32', which changes no digit that matters. bfloat16 and int8 are faster and less exact. */
  dtype?: OptimizedDType | undefined;
  /**
   * 'latency' (default): a forward uses all cores, and the next one waits. 'throughput': as many forwards run at the
   * same time as there are cores, and share them. Sets the default of `streams`.
   */
  prefer?: 'latency' | 'throughput' | undefined;
  /** Cores that one forward uses at most, while it is alone; default: all. Several share the cores evenly. */
  threads?: number | undefined;
  /** Forwards that run at the same time, sharing one copy of the weights; at least, and for the whole process. */
  streams?: number | undefined;
  /** For int8 alone, and needed there. */
  calibration?: Calibration | undefined;
  /** How uint8 pictures become the network's input, (value / 255 - mean) / std. Default: ImageNet's, as in Preprocess. */
  mean?: readonly number[] | undefined;
  /** See `mean`. */
  std?: readonly number[] | undefined;
}

/**
 * A ResNet made for answering fast, by {@link ResNet.optimize}: batch norms folded into the convolutions, weights
 * packed for the processor, additions and ReLUs done on the way. It cannot be trained, moved or changed; the network
 * that it was made from goes on as it was, and changes there do not reach it.
 */
export class OptimizedResNet {
  readonly layers: Layers;
  readonly numClasses: number;
  readonly dtype: OptimizedDType;
  /** Where it computes: 'cpu' or 'cuda:N'. */
  readonly device: Device;
  /** What carries it out, e.g. 'AVX-512' or 'libtorch, cuda:0'. */
  readonly executor: string;
  readonly #native: NativeOptimized;
  readonly #threads: number;
  #disposed = false;

  private constructor(source: Source, made: NativeOptimized, dtype: OptimizedDType, threads: number) {
    this.layers = source.layers;
    this.numClasses = source.numClasses;
    this.device = source.device;
    this.dtype = dtype;
    this.#native = made;
    this.#threads = threads;
    this.executor = native(() => made.description()).executor;
  }

  /** @param consume - takes the source's memory: it is of no use afterward. @internal */
  static async from(
    source: Module & Source,
    options: OptimizeOptions & ForwardOptions = {},
    consume = false,
  ): Promise<OptimizedResNet> {
    checkOptionsObject(options, OPTIONS);
    const { dtype, threads, streams, mean, std, calibration } = checkOptimize(options);
    const { device, layers, numClasses } = source;
    const given = await takeCalibration(calibration, source);
    if (streams > 1) native((binding) => binding.ensureInferenceThreads(streams));
    const signal = checkSignal(options);
    const handle = await settledJob(() => startOptimize(source, { dtype, mean, std, consume, ...given }), signal);
    const made = native((binding) => binding.createOptimized(handle));
    return new OptimizedResNet({ device, layers, numClasses }, made, dtype, threads);
  }

  /**
   * Runs the network on an inference thread, off the event loop. Several calls may be in flight.
   *
   * @param x - [N, 3, H, W], float32 (float16, bfloat16 and float64 are converted), or 8-bit RGB pictures
   * [N, H, W, 3], uint8, which are normalized on the way; copied before this returns
   * @returns float32 logits, [N, numClasses]
   * @throws ERR_SHAPE, ERR_DTYPE, ERR_DISPOSED, ERR_OUT_OF_MEMORY, all as rejections, or the signal's reason
   */
  async forward(x: Tensor, options: ForwardOptions = {}): Promise<Tensor> {
    return OptimizedResNet.#of(this).#run(x, options, false);
  }

  /** As {@link OptimizedResNet.forward}, up to the global pooling: float32 [N, C], 512 or 2,048 numbers a picture. */
  async forwardFeatures(x: Tensor, options: ForwardOptions = {}): Promise<Tensor> {
    return OptimizedResNet.#of(this).#run(x, options, true);
  }

  /** As {@link OptimizedResNet.forward}, blocking the calling thread. */
  forwardSync(x: Tensor): Tensor {
    const network = OptimizedResNet.#of(this);
    const input = toNativeTensor(takeInput(x));
    return fromNativeTensor(native(() => network.#native.forwardSync(input, false, network.#threads)));
  }

  /** See {@link ImageClassifier.explain}. @internal */
  async explain(x: Tensor, index: number | undefined, options: ForwardOptions = {}): Promise<NativeExplained> {
    const network = OptimizedResNet.#of(this);
    const signal = checkSignal(options);
    const input = toNativeTensor(x);
    return settledJob(() => native(() => network.#native.explain(input, index, network.#threads)), signal);
  }

  /** Preprocessing and forward in one hop. @internal */
  forwardPictures(
    pictures: readonly NativePicture[],
    preprocess: NativePreprocess,
    options: ForwardOptions = {},
  ): Promise<Tensor> {
    const network = OptimizedResNet.#of(this);
    const signal = checkSignal(options);
    return settled(() => native(() => network.#native.forwardPictures(pictures, preprocess, network.#threads)), signal);
  }

  /**
   * Writes what int8 was calibrated with as a small JSON file, for the `calibration` of the next start.
   *
   * @throws ERR_FILE; ERR_CALIBRATION where the dtype is not int8
   */
  async saveCalibration(path: string): Promise<void> {
    const network = OptimizedResNet.#of(this);
    const ranges = native(() => network.#native.ranges());
    if (ranges.length === 0) {
      throw new ResNetError('ERR_CALIBRATION', `A network in ${network.dtype} has no calibration to save; int8 has.`);
    }
    await writeCalibration(path, network, ranges);
  }

  /** The plan that is carried out, one line for each step. */
  toString(): string {
    const network = OptimizedResNet.#of(this);
    const { plan, executor } = native(() => network.#native.description());
    return `ResNet-${network.layers}, ${network.dtype}, ${network.device} (${executor})\n${plan}`;
  }

  /** Frees its memory as soon as the forwards in flight are done. Disposing again does nothing. */
  dispose(): void {
    const network = OptimizedResNet.#of(this, true);
    network.#disposed = true;
    network.#native.dispose();
  }

  /** `using` calls this; the same as `dispose()`. */
  [Symbol.dispose](): void {
    OptimizedResNet.#of(this, true).dispose();
  }

  async #run(x: Tensor, options: ForwardOptions, features: boolean): Promise<Tensor> {
    const signal = checkSignal(options);
    const input = toNativeTensor(takeInput(x));
    return settled(() => native(() => this.#native.forward(input, features, this.#threads)), signal);
  }

  static #of(receiver: unknown, disposedToo = false): OptimizedResNet {
    if (typeof receiver !== 'object' || receiver === null || !(#native in receiver)) {
      throw badArgument('this', 'an OptimizedResNet', receiver);
    }
    if (receiver.#disposed && !disposedToo) throw new ResNetError('ERR_DISPOSED', 'The network was disposed of.');
    return receiver;
  }
}

/** What an optimized network takes over from the one that it is made from. */
interface Source {
  readonly layers: Layers;
  readonly numClasses: number;
  readonly device: Device;
}

interface Checked {
  dtype: OptimizedDType;
  threads: number;
  streams: number;
  calibration: Calibration | undefined;
  mean: readonly number[];
  std: readonly number[];
}

const DTYPES: readonly string[] = ['float32', 'bfloat16', 'int8'] satisfies OptimizedDType[];
const MAX_THREADS = 1024;
const MAX_STREAMS = 256;

const OPTIONS = ['dtype', 'prefer', 'threads', 'streams', 'calibration', 'mean', 'std', 'signal'];

/** Checks the options of {@link ResNet.optimize}, and fills in what is left out. @internal */
export function checkOptimize(options: OptimizeOptions): Checked {
  const { dtype = 'float32', prefer = 'latency', calibration } = options;
  const { mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225] } = options;
  if (!DTYPES.includes(dtype)) {
    throw badArgument('dtype', "'float32', 'bfloat16' or 'int8'", dtype, 'ERR_UNSUPPORTED_DTYPE');
  }
  if (prefer !== 'latency' && prefer !== 'throughput') throw badArgument('prefer', "'latency' or 'throughput'", prefer);
  const { cores } = native((binding) => binding.threads());
  const { streams = prefer === 'latency' ? 1 : cores } = options;
  checkInteger('streams', streams, 1, MAX_STREAMS);
  const { threads = 0 } = options; // all, which the addon shares out
  if (options.threads !== undefined) checkInteger('threads', threads, 1, MAX_THREADS);
  checkNormalization(mean, std);
  if (dtype === 'int8' && calibration === undefined) {
    throw badArgument(
      'calibration',
      'inputs like those to come, or the path of a saved calibration, for int8',
      undefined,
    );
  }
  if (dtype !== 'int8' && calibration !== undefined) {
    throw badArgument('calibration', `left out with dtype ${dtype}: int8 alone is calibrated`, calibration);
  }
  return { dtype, threads, streams, calibration, mean, std };
}

async function takeCalibration(
  calibration: Calibration | undefined,
  source: Source,
): Promise<{ ranges?: Range[]; calibration?: ReturnType<typeof toNativeTensor>[]; percentile: boolean }> {
  if (calibration === undefined) return { percentile: false };
  if (typeof calibration === 'string') return { ranges: await readCalibration(calibration, source), percentile: false };
  const given = isList(calibration) ? { inputs: calibration } : calibration;
  const { inputs, method = 'minmax' } = given;
  if (!Array.isArray(inputs) || inputs.length === 0) throw badArgument('calibration', 'at least one Tensor', inputs);
  if (method !== 'minmax' && method !== 'percentile') {
    throw badArgument('calibration.method', "'minmax' or 'percentile'", method);
  }
  return {
    calibration: (inputs as readonly unknown[]).map((x, i) => toNativeTensor(takeInput(x, `calibration[${i}]`))),
    percentile: method === 'percentile',
  };
}

function isList(calibration: Calibration): calibration is readonly Tensor[] {
  return Array.isArray(calibration);
}

function takeInput(value: unknown, argument = 'x'): Tensor {
  const x = takeTensor(value, argument);
  if (x.dtype === 'uint8') {
    if (x.shape.length !== 4 || x.shape[3] !== 3 || x.shape.includes(0)) {
      throw badArgument(argument, 'of shape [N, H, W, 3] with positive N, H and W', x.shape, 'ERR_SHAPE');
    }
    return x;
  }
  if (!INPUT_DTYPES.has(x.dtype)) {
    throw badArgument(argument, `of dtype ${[...INPUT_DTYPES, 'uint8'].join(', ')}`, x.dtype, 'ERR_DTYPE');
  }
  checkInputShape(x.shape, 3, argument);
  return x;
}
