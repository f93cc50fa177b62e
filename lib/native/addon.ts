/** The only file that loads the native addon. It declares the addon's types, and turns native errors into ResNetErrors. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { isNativeError } from 'node:util/types'; // unlike instanceof, right across realms
import { isMainThread } from 'node:worker_threads';
import { ERROR_CODES, ResNetError, type ErrorCode } from '../errors';
import type { DType, TensorData } from '../tensor';
import { explainLoadFailure } from './load-failure';

/** A tensor as it crosses the boundary: plain data, row-major. */
export interface NativeTensor {
  dtype: DType;
  shape: readonly number[];
  data: TensorData;
}

/** The input of a job: copied, unless `inPlace` is true. */
export interface NativeInput extends NativeTensor {
  /** Uses `data` without a copy. It must not be changed or detached before the job has settled, aborted or not. */
  inPlace?: boolean | undefined;
}

export interface NativeEntry extends NativeTensor {
  name: string;
}

/** Where one tensor's bytes lie in a file, little-endian and row-major. */
export interface NativeFileEntry {
  name: string;
  dtype: DType;
  offset: number;
  length: number;
}

/** Work on an inference thread. `cancel` may be called at any time, any number of times. */
export interface NativeJob<T> {
  promise: Promise<T>;
  cancel(): void;
}

/** One layer of a traced forward. `parameters` are learnable, `statistics` running means and variances. */
export interface NativeRow {
  type: string;
  inputShape: number[];
  outputShape: number[];
  parameters: number;
  statistics: number;
  multiplyAdds: number;
}

/**
 * An 8-bit RGB picture, `height * width * 3` bytes. It is not copied: `data` must not be changed or detached before its
 * job has settled, aborted or not.
 */
export interface NativePicture {
  data: Uint8Array;
  width: number;
  height: number;
}

export interface NativeResizeOptions {
  /** Length of the shorter side after resizing. */
  resize: number;
  /** Side of the square cut out of the center. */
  crop: number;
  interpolation: 'bilinear' | 'bicubic';
}

/** [top, left, height, width], in pixels. */
export type NativeBox = readonly [top: number, left: number, height: number, width: number];

/** What becomes of one picture, in this order. */
export interface NativeAugmentPlan {
  /** The part of the picture that is used. */
  box: NativeBox;
  /** Side of the square that it is resized to. */
  size: number;
  interpolation: 'bilinear' | 'bicubic';
  /** Left and right are exchanged. */
  flip: boolean;
  /** torchvision's ColorJitter: a factor for each name in `order`; `hue` from -0.5 to 0.5. */
  jitter?:
    | {
        order: readonly ('brightness' | 'contrast' | 'saturation' | 'hue')[];
        brightness?: number | undefined;
        contrast?: number | undefined;
        saturation?: number | undefined;
        hue?: number | undefined;
      }
    | undefined;
  /** One operation of torchvision's TrivialAugmentWide, with its magnitude in torchvision's units. */
  trivial?: { operation: NativeTrivialOperation; magnitude: number } | undefined;
  /** A box of the result that gets one color. */
  erase?: { box: NativeBox; value: readonly [red: number, green: number, blue: number] } | undefined;
}

/**
 * How the normalized images of a batch are mixed, each with the one before it (`roll(1, 0)`), as torchvision does: by
 * MixUp, or with a box by CutMix.
 */
export interface NativeMix {
  /** The share of each image's own class in its target, from 0 to 1. */
  lambda: number;
  /** The part of an image that comes from the other one. */
  box?: NativeBox | undefined;
}

export type NativeTrivialOperation =
  | 'identity'
  | 'shearX'
  | 'shearY'
  | 'translateX'
  | 'translateY'
  | 'rotate'
  | 'brightness'
  | 'color'
  | 'contrast'
  | 'sharpness'
  | 'posterize'
  | 'solarize'
  | 'autoContrast'
  | 'equalize';

/** Logits, float32 [N, numClasses]; explained classes, int64 [N]; their class activation maps, float32 [N, H, W]. */
export interface NativeExplained {
  logits: NativeTensor;
  classes: NativeTensor;
  maps: NativeTensor;
}

export interface NativeModule {
  forward(x: NativeTensor): NativeJob<NativeTensor>;
  forwardSync(x: NativeTensor): NativeTensor;
  /** For a ResNet: after global pooling, [N, C]. */
  forwardFeatures(x: NativeTensor, threads: number): NativeJob<NativeTensor>;
  /** For a ResNet: the four stages' maps, [N, C, H, W]. */
  stages(x: NativeTensor, threads: number): NativeJob<NativeTensor[]>;
  /** For a ResNet. */
  optimize(options: NativeOptimizeOptions): NativeJob<NativeOptimized>;
  train(mode: boolean): void;
  training(): boolean;
  to(device: string): void;
  device(): string;
  /** Names, dtypes and shapes of the state in the article's order, without values. */
  stateSpec(): { name: string; dtype: DType; shape: number[] }[];
  stateDict(): NativeEntry[];
  /** Copies values into the parameters. @throws ERR_WEIGHTS_MISMATCH if a name or a shape does not fit */
  loadState(entries: readonly NativeEntry[]): void;
  /** Reads values from a file straight into the parameters' memory, off the event loop. */
  readState(path: string, entries: readonly NativeFileEntry[]): Promise<void>;
  trace(inputShape: readonly number[]): NativeRow[];
  dispose(): void;
}

/** The smallest and the largest number that one value of a network takes. */
export interface NativeRange {
  name: string;
  min: number;
  max: number;
}

export interface NativeOptimizeOptions {
  dtype: 'float32' | 'bfloat16' | 'int8';
  mean: readonly number[];
  std: readonly number[];
  /** For int8, one of the two. */
  ranges?: readonly NativeRange[] | undefined;
  calibration?: readonly NativeTensor[] | undefined;
  /** Whether ranges found by `calibration` leave out the rarest values. */
  percentile: boolean;
  /** Releases the module's weights while they are packed; the module cannot be used afterward. */
  consume: boolean;
}

export interface NativeOptimized {
  /** float32 [N, 3, H, W], or uint8 [N, H, W, 3]. `features` stops before the last layer; `threads` 0 is the default. */
  forward(x: NativeInput, features: boolean, threads: number): NativeJob<NativeTensor>;
  forwardSync(x: NativeTensor, features: boolean, threads: number): NativeTensor;
  /** Class activation maps. `index` undefined: of each picture's likeliest class. */
  explain(x: NativeInput, index: number | undefined, threads: number): NativeJob<NativeExplained>;
  description(): { plan: string; executor: string };
  /** One per value of the plan; empty unless the dtype is int8. */
  ranges(): NativeRange[];
  dispose(): void;
}

export interface NativeTrainerOptions {
  optimizer: { weightDecay: number; decayNorms: boolean } & (
    | { name: 'sgd'; momentum: number; dampening: number; nesterov: boolean }
    | { name: 'adamw'; beta1: number; beta2: number; eps: number }
  );
  loss: { name: string; labelSmoothing: number; classWeights: NativeTensor | undefined };
  freeze: { stem: boolean; stages: number };
  batchNorm: 'frozen-with-layer' | 'train' | 'frozen';
  backboneRate: number;
  clipGradNorm: number | undefined;
  emaDecay: number | undefined;
  bfloat16: boolean;
  mean: readonly number[];
  std: readonly number[];
  /** 0 is the default. */
  threads: number;
}

/** Copies of a trainer's state: `model.…`, `average.…`, `optimizer.…`, and `gradients.…` of an unfinished update. */
export interface NativeSnapshot {
  entries: NativeEntry[];
  /** The number of updates so far. */
  updates: number;
  /** The number of batches in the unfinished update. */
  accumulated: number;
}

/** Where one tensor of a {@link NativeSnapshot} lies in a file, of the trainer's dtype. */
export interface NativeStateEntry {
  name: string;
  shape: readonly number[];
  offset: number;
  length: number;
}

/** Its jobs run on the training thread, in the order of the calls. */
export interface NativeTrainer {
  step(
    x: NativeTensor,
    target: NativeTensor,
    options: { lr: number; accumulate: number; mix: NativeMix | undefined },
  ): NativeJob<{ loss: number; correct: number; gradNorm?: number }>;
  /** By the article's names. */
  gradients(x: NativeTensor, target: NativeTensor): NativeJob<NativeEntry[]>;
  evaluate(
    x: NativeTensor,
    target: NativeTensor,
  ): NativeJob<{ loss: number; correct: number; correctOf5: number; count: number }>;
  state(): NativeJob<NativeSnapshot>;
  readState(
    path: string,
    entries: readonly NativeStateEntry[],
    progress: { updates: number; accumulated: number },
  ): NativeJob<void>;
  trained(): string[];
  dispose(): void;
}

export type NativeModuleSpec =
  | { type: 'BasicBlock' | 'BottleneckBlock'; inputChannels: number; outputChannels: number; stride: number }
  | { type: 'ResNet'; layers: number; numClasses: number };

export interface NativeModuleOptions {
  device: string;
  /** Default: random. */
  seed?: number | undefined;
  /** False leaves the parameters unwritten, for a caller that loads them next. */
  initialize: boolean;
}

export interface Addon {
  versions: { libtorch: string; compiled: string };
  createModule(spec: NativeModuleSpec, options: NativeModuleOptions): NativeModule;
  /** @throws ERR_BUSY if another trainer has the module */
  createTrainer(module: NativeModule, options: NativeTrainerOptions): NativeTrainer;
  /** uint8 [N, crop, crop, 3] */
  resizeAndCrop(pictures: readonly NativePicture[], options: NativeResizeOptions): NativeJob<NativeTensor>;
  /** uint8 [size, size, 3] */
  augment(picture: NativePicture, plan: NativeAugmentPlan): NativeJob<NativeTensor>;
  /** Frees the memory of an array that is no longer used at once, by detaching it. */
  discard(data: Uint8Array): void;
  cudaStatus(): { available: boolean; code: ErrorCode | ''; reason: string };
  devices(): { name: string; description: string; memory: number }[];
  /** Cores that this process may use (affinity mask and cgroup quota), and the inference threads made. */
  threads(): { cores: number; streams: number };
  /** Operations per second that a matrix product reaches here; 0 if unknown. */
  peak(dtype: 'float32' | 'bfloat16' | 'int8', threads: number): NativeJob<number>;
  /** Makes sure that at least this many inference threads exist. */
  ensureInferenceThreads(streams: number): void;
  /** Ends the inference threads for good. Queued work is dropped. */
  stop(): void;
  /** For tests: the external memory that V8's collector accounts for, in bytes. */
  _externalMemory(): number;
  /** For tests: replaces libtorch's CUDA library, and the driver's number of devices. */
  _setCudaSource(library: string, devices?: number): void;
  /** For tests: the control groups' memory limit below this root, in bytes; Infinity if there is none. */
  _setControlGroups(root: string): number;
}

// This file lies two levels below the package's root, in lib/native (tests) and in dist/native (users). In a bundle of
// ES modules there is no __dirname.
const PACKAGE_FOLDER = typeof __dirname === 'string' ? join(__dirname, '..', '..') : '/';
const ADDON_PATH = join(PACKAGE_FOLDER, 'build', 'Release', 'resnet.node');

let loaded: Addon | undefined;

/**
 * The addon, loaded at first use, so that importing the package never fails.
 *
 * @throws ERR_ADDON_MISSING with what to do about it
 */
export function addon(): Addon {
  loaded ??= load();
  return loaded;
}

function load(): Addon {
  try {
    const binding = createRequire(ADDON_PATH)(ADDON_PATH) as Addon;
    // Stops before C++ destroys libtorch's state, which would crash a running forward. Workers stop their own work.
    if (isMainThread) process.once('exit', () => binding.stop());
    return binding;
  } catch (error) {
    const message = explainLoadFailure(error as NodeJS.ErrnoException, PACKAGE_FOLDER, ADDON_PATH);
    throw new ResNetError('ERR_ADDON_MISSING', message, { cause: error });
  }
}

/** Calls the addon, and turns what it throws into a {@link ResNetError} with the caller's stack. */
export function callNative<T>(call: (binding: Addon) => T): T {
  const binding = addon();
  try {
    return call(binding);
  } catch (error) {
    throw fromNativeError(error);
  }
}

/**
 * Turns a native error into a ResNetError, and returns anything else unchanged.
 *
 * @param stack - replaces a stack that ends in the event loop
 */
export function fromNativeError(error: unknown, stack?: string): unknown {
  if (!isNativeError(error) || error instanceof ResNetError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined || !Object.hasOwn(ERROR_CODES, code)) return error;
  const wrapped = new ResNetError(code as ErrorCode, error.message);
  if (stack !== undefined) wrapped.stack = `${wrapped.name}: ${wrapped.message}\n${stack}`;
  return wrapped;
}
