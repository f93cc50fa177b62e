import { isMap, isSharedArrayBuffer } from 'node:util/types';
import { addon, fromNative, native } from './addon';
import type {
  NativeFileEntry,
  NativeJob,
  NativeModule,
  NativeModuleSpec,
  NativeOptimizedHandle,
  NativeOptimizeOptions,
  NativeRow,
  NativeTensor,
} from './addon';
import { checkOptionsObject } from './check';
import { badArgument, ResNetError, show } from './errors';
import { elementCount, takeTensor, Tensor, transpose } from './tensor';
import { nonFinite, warnOfNonFinite } from './weights/finite';
import { matchState, type LoadOptions, type LoadReport } from './weights/match';

/**
 * Where a module computes. 'cuda' is 'cuda:0'. A module on 'meta' has shapes and no values: it can be summarized
 * and counted without costing memory, and cannot run.
 */
export type Device = 'cpu' | 'cuda' | `cuda:${number}` | 'meta';

/** Options of every module's constructor. */
export interface ModuleOptions {
  /** Default: 'cpu'. */
  device?: Device | undefined;
  /** Draws the initial values; the same seed gives the same values on every device. Default: another each time. */
  seed?: number | undefined;
}

/** An option of ours alone: the values stay unwritten, because a file is read into them next. @internal */
export const UNWRITTEN = Symbol('unwritten');

/** Options of {@link Module.forward}. */
export interface ForwardOptions {
  /** Cancels: work that waits never begins, work that runs is ended between two layers, its result dropped. */
  signal?: AbortSignal | undefined;
}

/** What {@link Module.parameterCount} counts. */
export interface CountOptions {
  /**
   * 'all' (default): learnable values and running statistics. 'parameters': learnable values, as PyTorch counts.
   * 'article': without any of a batch norm's four vectors, the article's "Trainable params".
   */
  count?: 'all' | 'parameters' | 'article' | undefined;
}

/**
 * The base of {@link BasicBlock}, {@link BottleneckBlock} and {@link ResNet}: a network in native memory.
 *
 * A new module is in eval mode. Several forwards may be in flight at once; `to`, `train`, `eval` and
 * `loadStateDict` throw ERR_BUSY while any is. Memory is freed by {@link Module.dispose}, by `using`, or by the
 * garbage collector, which is told of its size.
 */
export abstract class Module {
  readonly #native: NativeModule;
  readonly #spec: NativeModuleSpec;
  #device: string;
  #training = false;
  #disposed = false;

  /** @internal */
  protected constructor(spec: NativeModuleSpec, options: ModuleOptions & { [UNWRITTEN]?: boolean } = {}) {
    const { device, seed } = checkOptions(options);
    const initialize = options[UNWRITTEN] !== true;
    this.#spec = Object.freeze(spec);
    this.#native = native((binding) => binding.createModule(spec, { device, seed, initialize }));
    this.#device = this.#native.device();
  }

  /**
   * Runs the network on an inference thread, off the event loop.
   *
   * @param x - [N, C, H, W], float32 (float16, bfloat16 and float64 are converted); copied before this returns
   * @returns float32: [N, numClasses] logits of a ResNet, [N, outputChannels, H', W'] of a block
   * @throws ERR_SHAPE, ERR_DTYPE, ERR_DISPOSED, ERR_OUT_OF_MEMORY, all as rejections, or the signal's reason
   */
  async forward(x: Tensor, options: ForwardOptions = {}): Promise<Tensor> {
    const module = Module.#of(this);
    const signal = checkSignal(options);
    const input = module.#input(x);
    return settled(() => native(() => module.#native.forward(input)), signal);
  }

  /** As {@link Module.forward}, blocking the calling thread: for scripts and workers. */
  forwardSync(x: Tensor): Tensor {
    const module = Module.#of(this);
    const input = module.#input(x);
    return fromNativeTensor(native(() => module.#native.forwardSync(input)));
  }

  /**
   * Switches to train mode: batch norms use the batch's statistics and move the running ones, by PyTorch's rule.
   * There are no gradients.
   *
   * @throws ERR_BUSY
   */
  train(mode = true): this {
    const module = Module.#of(this);
    if (typeof mode !== 'boolean') throw badArgument('mode', 'a boolean', mode);
    native(() => module.#native.train(mode));
    module.#training = mode;
    return this;
  }

  /** Switches back to eval mode, the mode of a new module. @throws ERR_BUSY */
  eval(): this {
    Module.#of(this);
    return this.train(false);
  }

  /** True in train mode. */
  get training(): boolean {
    return Module.#of(this, true).#training;
  }

  /**
   * Moves the network, values and all.
   *
   * @throws ERR_BUSY, ERR_DEVICE, ERR_CUDA_VARIANT, ERR_CUDA_LIBRARY, ERR_CUDA_DRIVER, ERR_CUDA_INDEX
   */
  to(device: Device): this {
    const module = Module.#of(this);
    checkDevice(device);
    native(() => module.#native.to(device));
    module.#device = module.#native.device();
    return this;
  }

  /** 'cpu', 'cuda:N' or 'meta'. */
  get device(): Device {
    return Module.#of(this, true).#device as Device;
  }

  /**
   * A copy of the state: float32 values, and int64 of shape [] for `num_batches_tracked`, in the order of torch's
   * state_dict. Names are the article's members with torch's leaf names, e.g. `conv.weight`,
   * `residual_block.0.conv_bn_block1.1.running_mean`, `fc.weight` ([out, in]).
   *
   * @throws ERR_BUSY in train mode while forwards are in flight: each moves the running statistics
   */
  stateDict(): Map<string, Tensor> {
    const module = Module.#of(this);
    return new Map(native(() => module.#native.stateDict()).map((entry) => [entry.name, fromNativeTensor(entry)]));
  }

  /**
   * Copies values in. All of it is checked before any of it is written.
   *
   * @param entries - names to tensors; any of the namings of {@link LoadOptions.naming}; any floating dtype
   * @throws ERR_WEIGHTS_MISMATCH listing what is missing, unexpected or misshapen; ERR_UNSUPPORTED_MODEL where that
   *   looks like another network; ERR_BUSY, ERR_DTYPE
   */
  loadStateDict(
    entries: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
    options: LoadOptions = {},
  ): LoadReport {
    const module = Module.#of(this);
    checkOptionsObject(options);
    const given = checkEntries(entries);
    const match = matchState(
      'The state',
      native(() => module.#native.stateSpec()),
      given,
      options,
    );
    const matched = match.pairs.map(({ name, given: source, transposed }): [string, Tensor] => {
      const tensor = given.get(source) as Tensor;
      return [name, transposed ? transpose(tensor) : tensor];
    });
    loadValuesInto(module, [...matched, ...zeroed(match.untracked)]);
    if (options.onWarning !== undefined) {
      const loaded = match.pairs.map((pair) => [pair.given, given.get(pair.given) as Tensor] as const);
      warnOfNonFinite('The state', nonFinite(loaded), options.onWarning);
    }
    return { naming: match.naming, missing: match.missing, unexpected: match.unexpected };
  }

  /**
   * The number of values. ResNet-50: 25,610,152 (all) | 25,557,032 (parameters) | 25,503,912 (article).
   * `num_batches_tracked` never counts.
   */
  parameterCount(options: CountOptions = {}): number {
    const module = Module.#of(this);
    checkOptionsObject(options);
    const count = options.count ?? 'all';
    if (typeof count !== 'string' || !Object.hasOwn(COUNTED, count))
      throw badArgument('count', "'all', 'parameters' or 'article'", count);
    const spec = native(() => module.#native.stateSpec());
    const norms = new Set(
      spec.filter((entry) => entry.name.endsWith('.running_mean')).map((entry) => parent(entry.name)),
    );
    return spec
      .filter((entry) => COUNTED[count](leaf(entry.name), norms.has(parent(entry.name))))
      .reduce((sum, entry) => sum + elementCount(entry.shape), 0);
  }

  /**
   * Frees the network's memory as soon as the forwards in flight are done. Using the module afterward is
   * ERR_DISPOSED; disposing again does nothing.
   */
  dispose(): void {
    const module = Module.#of(this, true);
    module.#disposed = true;
    module.#native.dispose();
  }

  /** `using` calls this; the same as `dispose()`. */
  [Symbol.dispose](): void {
    Module.#of(this, true).dispose();
  }

  #input(given: Tensor): NativeTensor {
    const x = takeTensor(given, 'x');
    if (!INPUT_DTYPES.has(x.dtype)) {
      throw badArgument('x', `of dtype ${[...INPUT_DTYPES].join(', ')}`, x.dtype, 'ERR_DTYPE');
    }
    checkInputShape(x.shape, inputChannelsOf(this.#spec), 'x');
    return toNativeTensor(x);
  }

  /** The receiver of a method, so that a borrowed method fails with a code instead of a TypeError from within. */
  static #of(receiver: unknown, disposedToo = false): Module {
    if (typeof receiver !== 'object' || receiver === null || !(#native in receiver)) {
      throw badArgument('this', 'a ResNet, BasicBlock or BottleneckBlock', receiver);
    }
    if (receiver.#disposed && !disposedToo) throw new ResNetError('ERR_DISPOSED', 'The module was disposed of.');
    return receiver;
  }

  /** What the rest of the package may do with a module and users may not. @internal */
  static access(module: Module): ModuleAccess {
    const known = Module.#of(module);
    return { handle: known.#native, spec: known.#spec, input: (x) => known.#input(x) };
  }
}

interface ModuleAccess {
  handle: NativeModule;
  spec: NativeModuleSpec;
  /** A forward's input, checked. */
  input: (x: Tensor) => NativeTensor;
}

/**
 * What a forward makes on its way.
 *
 * @internal
 * @param start - the native job that looks inside
 */
export async function lookInside<T>(
  module: Module,
  x: Tensor,
  options: ForwardOptions,
  start: (handle: NativeModule, input: NativeTensor) => NativeJob<T>,
): Promise<T> {
  const { handle, input } = Module.access(module);
  const signal = checkSignal(options);
  const taken = input(x);
  return settledJob(() => native(() => start(handle, taken)), signal);
}

/**
 * The layers of a forward over `inputShape` in order of execution, without the module itself.
 *
 * @internal
 * @throws ERR_SHAPE
 */
export function traceModule(module: Module, inputShape: readonly number[]): NativeRow[] {
  if (!(module instanceof Module)) throw badArgument('module', 'a ResNet, BasicBlock or BottleneckBlock', module);
  const { handle, spec } = Module.access(module);
  checkInputShape(inputShape, inputChannelsOf(spec), 'inputSize');
  return native(() => handle.trace(inputShape));
}

/**
 * Fills a module's parameters from extents of a file, off the event loop.
 *
 * @internal
 */
export async function readStateInto(module: Module, path: string, entries: readonly NativeFileEntry[]): Promise<void> {
  const { handle } = Module.access(module);
  const stack = callerStack();
  try {
    await native(() => handle.readState(path, entries));
  } catch (error) {
    throw fromNative(error, stack);
  }
}

/**
 * Writes some of a module's tensors, by their article names.
 *
 * @internal
 */
export function loadValuesInto(module: Module, values: readonly (readonly [string, Tensor])[]): void {
  const { handle } = Module.access(module);
  native(() => handle.loadState(values.map(([name, tensor]) => ({ name, ...toNativeTensor(tensor) }))));
}

/** Counters that nobody gave begin at 0. @internal */
export function zeroed(names: readonly string[]): [string, Tensor][] {
  return names.map((name) => [name, new Tensor(new BigInt64Array(1), [])]);
}

/** The module's state in order, without its values. @internal */
export function stateSpecOf(module: Module): { name: string; shape: readonly number[] }[] {
  const { handle } = Module.access(module);
  return native(() => handle.stateSpec());
}

/** Starts optimizing a module. @internal */
export function startOptimize(module: Module, options: NativeOptimizeOptions): NativeJob<NativeOptimizedHandle> {
  const { handle } = Module.access(module);
  return native(() => handle.optimize(options));
}

/** Awaits a native job of a tensor under a signal. */
export async function settled(start: () => NativeJob<NativeTensor>, signal?: AbortSignal): Promise<Tensor> {
  return fromNativeTensor(await settledJob(start, signal));
}

/** Awaits a native job under a signal: settles once, and drops the result of what was aborted. */
export async function settledJob<T>(start: () => NativeJob<T>, signal?: AbortSignal): Promise<T> {
  signal?.throwIfAborted();
  const stack = callerStack();
  const job = start();
  let onAbort: (() => void) | undefined;
  try {
    if (signal === undefined) return await job.promise;
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => {
        job.cancel();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
    });
    return await Promise.race([job.promise, aborted]);
  } catch (error) {
    throw fromNative(error, stack);
  } finally {
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
    job.promise.catch(() => undefined); // an aborted job rejects later, and nobody waits for that
  }
}

/** The devices that modules can be made on. */
export interface DeviceInfo {
  /** 'cpu' or 'cuda:N'. */
  name: Device;
  /** The GPU's name, or the CPU instructions that libtorch uses. */
  description: string;
  /** Bytes of a GPU's memory; 0 for the CPU. */
  memory: number;
}

/** Lists the CPU and, where CUDA is available, each GPU. Loads libtorch's CUDA part where it is installed. */
export function devices(): DeviceInfo[] {
  return native((binding) => binding.devices()) as DeviceInfo[];
}

/** Whether CUDA can be used, and the reason in words where it cannot. */
export function cudaStatus(): { available: boolean; reason: string } {
  const { available, reason } = addon().cudaStatus();
  return { available, reason };
}

/** @internal */
export const INPUT_DTYPES: ReadonlySet<string> = new Set(['float32', 'float64', 'float16', 'bfloat16']);

const COUNTED: Record<'all' | 'parameters' | 'article', (leaf: string, ofBatchNorm: boolean) => boolean> = {
  all: (name) => name !== 'num_batches_tracked',
  parameters: (name) => name === 'weight' || name === 'bias',
  article: (name, ofBatchNorm) => (name === 'weight' || name === 'bias') && !ofBatchNorm,
};

const leaf = (name: string): string => name.slice(name.lastIndexOf('.') + 1);
const parent = (name: string): string => name.slice(0, name.lastIndexOf('.'));

function inputChannelsOf(spec: NativeModuleSpec): number {
  return spec.type === 'ResNet' ? 3 : spec.inputChannels;
}

/** Above what any memory holds; the addon has the same bound. */
const MAX_ELEMENTS = 2 ** 40;

/** @internal */
export function checkInputShape(shape: readonly number[], channels: number, argument: string): void {
  const elements = elementCount(shape, argument);
  if (shape.length !== 4 || shape[1] !== channels || elements === 0 || elements > MAX_ELEMENTS) {
    throw badArgument(argument, `of shape [N, ${channels}, H, W] with positive N, H and W`, shape, 'ERR_SHAPE');
  }
}

function checkOptions(options: ModuleOptions): { device: Device; seed: number | undefined } {
  checkOptionsObject(options);
  const { device = 'cpu', seed } = options;
  checkDevice(device);
  if (seed !== undefined && !(Number.isSafeInteger(seed) && seed >= 0)) {
    throw badArgument('seed', 'an integer from 0 to 2^53 - 1', seed);
  }
  return { device, seed };
}

function checkDevice(device: unknown): asserts device is Device {
  if (typeof device !== 'string') throw badArgument('device', "'cpu', 'cuda' or 'cuda:N'", device, 'ERR_DEVICE');
}

/** The signal of some options, checked. @internal */
export function checkSignal(options: ForwardOptions): AbortSignal | undefined {
  checkOptionsObject(options);
  const { signal } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw badArgument('signal', 'an AbortSignal', signal);
  return signal;
}

function checkEntries(entries: unknown): ReadonlyMap<string, Tensor> {
  if (typeof entries !== 'object' || entries === null) {
    throw badArgument('entries', 'a Map or an object of names to Tensors', entries);
  }
  const given = new Map<unknown, unknown>(isMap(entries) ? entries : Object.entries(entries));
  for (const [name, tensor] of given) {
    if (typeof name !== 'string') throw badArgument('entries', 'named by strings', name);
    given.set(name, takeTensor(tensor, `entries[${show(name)}]`));
  }
  return given as Map<string, Tensor>;
}

/** @internal */
export function toNativeTensor({ dtype, shape, data }: Tensor): NativeTensor {
  // Node-API on older Node knows no Float16Array, and none reads shared memory safely: plain bits, plain memory.
  const half = data[Symbol.toStringTag] === ('Float16Array' as string);
  const plain = half ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data;
  return { dtype, shape, data: isSharedArrayBuffer(plain.buffer) ? plain.slice() : plain };
}

/** @internal */
export function fromNativeTensor({ dtype, shape, data }: NativeTensor): Tensor {
  return new Tensor(data, shape, dtype);
}

/** The frames of whoever called into the package, for errors that come back over the event loop. */
function callerStack(): string {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, callerStack);
  return (holder.stack ?? '').split('\n').slice(1).join('\n');
}
