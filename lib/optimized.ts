import { readCalibration, writeCalibration, type Range } from './calibration';
import { checkInteger, checkOptionsObject, checkSignal } from './check';
import type { Layers } from './depths';
import type { Device } from './devices';
import { badArgument, ResNetError } from './errors';
import { Module, type ForwardOptions } from './module';
import {
  callNative,
  type NativeExplained,
  type NativeInput,
  type NativeOptimized,
  type NativeTensor,
} from './native/addon';
import { toNativeInput } from './native/input';
import { runJob } from './native/job';
import { fromNativeTensor } from './native/tensors';
import { checkNormalization, IMAGENET_NORM } from './normalization';
import type { Tensor } from './tensor';

/** What an optimized network computes in. */
export type OptimizedDType = 'float32' | 'bfloat16' | 'int8';

/**
 * How int8 finds the range of values at each layer: the path of a file that {@link OptimizedResNet.saveCalibration}
 * wrote, or typical inputs (a few dozen are enough). The method 'percentile' clips the rarest 0.01 % at each end;
 * 'minmax', the default, clips nothing.
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
  /** Default: 'float32', exact to rounding. bfloat16 and int8 are faster and less exact. */
  dtype?: OptimizedDType | undefined;
  /**
   * 'latency' (default): a forward uses all cores, and the next one waits. 'throughput': one concurrent forward per
   * core; concurrent forwards share the cores. Sets the default of `streams`.
   */
  prefer?: 'latency' | 'throughput' | undefined;
  /** Maximum number of cores for one forward. Default: all. Concurrent forwards share the cores evenly. */
  threads?: number | undefined;
  /** How many forwards can run at the same time, in the whole process, at least. They share one copy of the weights. */
  streams?: number | undefined;
  /** Required for int8, and only allowed there. */
  calibration?: Calibration | undefined;
  /** How uint8 pictures become the network's input, (value / 255 - mean) / std. Default: ImageNet's, as in Preprocess. */
  mean?: readonly number[] | undefined;
  /** See `mean`. */
  std?: readonly number[] | undefined;
}

/**
 * An internal option: uses the input without a copy, because no user has a reference to it. It must not be changed
 * before the forward has ended, aborted or not. @internal
 */
export const IN_PLACE = Symbol('in place');

/** @internal */
export type InternalForwardOptions = ForwardOptions & { [IN_PLACE]?: boolean };

/**
 * A ResNet optimized for inference by {@link ResNet.optimize}: batch norms are folded into the convolutions, weights are
 * packed for the processor, additions and ReLUs are fused. It cannot be trained, moved or changed. It is independent of
 * the network that it was made from.
 */
export class OptimizedResNet {
  readonly layers: Layers;
  readonly numClasses: number;
  readonly dtype: OptimizedDType;
  /** Where it computes: 'cpu' or 'cuda:N'. */
  readonly device: Device;
  /** What runs it, e.g. 'AVX-512' or 'libtorch, cuda:0'. */
  readonly executor: string;
  readonly #native: NativeOptimized;
  readonly #threads: number;
  #disposed = false;

  private constructor(source: Source, optimized: NativeOptimized, dtype: OptimizedDType, threads: number) {
    this.layers = source.layers;
    this.numClasses = source.numClasses;
    this.device = source.device;
    this.dtype = dtype;
    this.#native = optimized;
    this.#threads = threads;
    this.executor = callNative(() => optimized.description()).executor;
  }

  /** @param consume - releases the source's weights while packing; the source is unusable afterward. @internal */
  static async from(
    source: Module & Source,
    options: OptimizeOptions & ForwardOptions = {},
    consume = false,
  ): Promise<OptimizedResNet> {
    checkOptionsObject(options, OPTIONS);
    const { dtype, threads, streams, mean, std, calibration } = checkOptimize(options);
    const { device, layers, numClasses } = source;
    const calibrated = await toNativeCalibration(calibration, source);
    if (streams > 1) callNative((binding) => binding.ensureInferenceThreads(streams));
    const signal = checkSignal(options);
    const nativeOptions = { dtype, mean, std, consume, ...calibrated };
    const optimized = await runJob(() => Module.internals(source).handle.optimize(nativeOptions), signal);
    return new OptimizedResNet({ device, layers, numClasses }, optimized, dtype, threads);
  }

  /**
   * Runs the network on an inference thread, off the event loop. Several calls may be in flight.
   *
   * @param x - [N, 3, H, W], float32 (float16, bfloat16 and float64 are converted), or 8-bit RGB pictures
   *   [N, H, W, 3], uint8, which are normalized; copied before this returns
   * @returns float32 logits, [N, numClasses]
   * @throws ERR_SHAPE, ERR_DTYPE, ERR_DISPOSED, ERR_OUT_OF_MEMORY, all as rejections, or the signal's reason.
   *   ERR_NOT_FINITE for int8 and an x with NaN or infinite values; in the other dtypes they reach the answer
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
    const input = toNativeInput(x, CHANNELS, 'x', true);
    return fromNativeTensor(callNative(() => network.#native.forwardSync(input, false, network.#threads)));
  }

  /** See {@link ImageClassifier.explain}. @internal */
  async explain(x: Tensor, index: number | undefined, options: InternalForwardOptions = {}): Promise<NativeExplained> {
    const network = OptimizedResNet.#of(this);
    const signal = checkSignal(options);
    const input = toInput(x, options);
    return runJob(() => network.#native.explain(input, index, network.#threads), signal);
  }

  /**
   * Writes the calibration of int8 as a small JSON file, for the `calibration` of the next {@link ResNet.optimize}.
   *
   * @throws ERR_FILE; ERR_CALIBRATION if the dtype is not int8
   */
  async saveCalibration(path: string): Promise<void> {
    const network = OptimizedResNet.#of(this);
    const ranges = callNative(() => network.#native.ranges());
    if (ranges.length === 0) {
      throw new ResNetError('ERR_CALIBRATION', `A network in ${network.dtype} has no calibration to save; int8 has.`);
    }
    await writeCalibration(path, network, ranges);
  }

  /** The plan, one line for each step. */
  toString(): string {
    const network = OptimizedResNet.#of(this);
    const { plan, executor } = callNative(() => network.#native.description());
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

  async #run(x: Tensor, options: InternalForwardOptions, features: boolean): Promise<Tensor> {
    const signal = checkSignal(options);
    const input = toInput(x, options);
    return fromNativeTensor(await runJob(() => this.#native.forward(input, features, this.#threads), signal));
  }

  static #of(receiver: unknown, allowDisposed = false): OptimizedResNet {
    if (typeof receiver !== 'object' || receiver === null || !(#native in receiver)) {
      throw badArgument('this', 'an OptimizedResNet', receiver);
    }
    if (receiver.#disposed && !allowDisposed) throw new ResNetError('ERR_DISPOSED', 'The network was disposed of.');
    return receiver;
  }
}

function toInput(x: Tensor, options: InternalForwardOptions): NativeInput {
  return { ...toNativeInput(x, CHANNELS, 'x', true), inPlace: options[IN_PLACE] };
}

/** The properties that an optimized network copies from its source. */
interface Source {
  readonly layers: Layers;
  readonly numClasses: number;
  readonly device: Device;
}

interface ResolvedOptimizeOptions {
  dtype: OptimizedDType;
  threads: number;
  streams: number;
  calibration: Calibration | undefined;
  mean: readonly number[];
  std: readonly number[];
}

const DTYPES: readonly string[] = ['float32', 'bfloat16', 'int8'] satisfies OptimizedDType[];
const CHANNELS = 3;
const MAX_THREADS = 1024;
const MAX_STREAMS = 256;

const OPTIONS = ['dtype', 'prefer', 'threads', 'streams', 'calibration', 'mean', 'std', 'signal'];

/** Checks the options of {@link ResNet.optimize}, and fills in defaults. @internal */
export function checkOptimize(options: OptimizeOptions): ResolvedOptimizeOptions {
  const { dtype = 'float32', prefer = 'latency', calibration } = options;
  const { mean = IMAGENET_NORM.mean, std = IMAGENET_NORM.std } = options;
  if (!DTYPES.includes(dtype)) {
    throw badArgument('dtype', "'float32', 'bfloat16' or 'int8'", dtype, 'ERR_UNSUPPORTED_DTYPE');
  }
  if (prefer !== 'latency' && prefer !== 'throughput') throw badArgument('prefer', "'latency' or 'throughput'", prefer);
  const { cores } = callNative((binding) => binding.threads());
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
    throw badArgument('calibration', `left out with dtype ${dtype}: only int8 is calibrated`, calibration);
  }
  return { dtype, threads, streams, calibration, mean, std };
}

async function toNativeCalibration(
  calibration: Calibration | undefined,
  source: Source,
): Promise<{ ranges?: Range[]; calibration?: NativeTensor[]; percentile: boolean }> {
  if (calibration === undefined) return { percentile: false };
  if (typeof calibration === 'string') return { ranges: await readCalibration(calibration, source), percentile: false };
  const { inputs, method = 'minmax' }: CalibrationInputs = isList(calibration) ? { inputs: calibration } : calibration;
  if (!Array.isArray(inputs) || inputs.length === 0) throw badArgument('calibration', 'at least one Tensor', inputs);
  if (method !== 'minmax' && method !== 'percentile') {
    throw badArgument('calibration.method', "'minmax' or 'percentile'", method);
  }
  return {
    calibration: (inputs as readonly unknown[]).map((x, i) => toNativeInput(x, CHANNELS, `calibration[${i}]`, true)),
    percentile: method === 'percentile',
  };
}

function isList(calibration: Calibration): calibration is readonly Tensor[] {
  return Array.isArray(calibration);
}
