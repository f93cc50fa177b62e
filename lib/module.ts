import { isMap } from 'node:util/types';
import { checkOptionsObject, checkSignal } from './check';
import { checkDevice, type Device } from './devices';
import { badArgument, ResNetError, inspect } from './errors';
import { callNative, type NativeModule, type NativeModuleSpec } from './native/addon';
import { toNativeInput } from './native/input';
import { runJob } from './native/job';
import { fromNativeTensor, toNativeEntries, zeroed } from './native/tensors';
import { countParameters, type ParameterKind } from './parameter-count';
import { checkTensor, transpose, type Tensor } from './tensor';
import { nonFinite, warnOfNonFinite } from './weights/finite';
import { matchState, type LoadOptions, type LoadReport } from './weights/names/match';

/** Options of every module's constructor. */
export interface ModuleOptions {
  /** Default: 'cpu'. */
  device?: Device | undefined;
  /** Draws the initial values; the same seed gives the same values on every device. Default: another each time. */
  seed?: number | undefined;
}

/** An internal option: leaves the values unwritten, for a caller that reads a file into them next. @internal */
export const UNWRITTEN = Symbol('unwritten');

/** Options of {@link Module.forward}. */
export interface ForwardOptions {
  /** Aborts: queued work never begins, running work ends between two layers, and the result is dropped. */
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

const KINDS: readonly ParameterKind[] = ['all', 'parameters', 'article'];

/**
 * The base of {@link BasicBlock}, {@link BottleneckBlock} and {@link ResNet}: a network in native memory. "The article"
 * is the ResNet article that the code follows, a reproduction of He et al. 2015 (arXiv:1512.03385).
 *
 * A new module is in eval mode. Several forwards may be in flight at once; `to`, `train`, `eval` and
 * `loadStateDict` throw ERR_BUSY while any is. Memory is freed by {@link Module.dispose}, by `using`, or by the
 * garbage collector, which knows its size.
 */
export abstract class Module {
  readonly #native: NativeModule;
  readonly #inputChannels: number;
  #device: string;
  #training = false;
  #disposed = false;

  /** @internal */
  protected constructor(spec: NativeModuleSpec, options: ModuleOptions & { [UNWRITTEN]?: boolean } = {}) {
    const { device, seed } = checkOptions(options);
    const initialize = options[UNWRITTEN] !== true;
    this.#inputChannels = spec.type === 'ResNet' ? 3 : spec.inputChannels;
    this.#native = callNative((binding) => binding.createModule(spec, { device, seed, initialize }));
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
    const input = toNativeInput(x, module.#inputChannels);
    return fromNativeTensor(await runJob(() => module.#native.forward(input), signal));
  }

  /** As {@link Module.forward}, blocking the calling thread: for scripts and workers. */
  forwardSync(x: Tensor): Tensor {
    const module = Module.#of(this);
    const input = toNativeInput(x, module.#inputChannels);
    return fromNativeTensor(callNative(() => module.#native.forwardSync(input)));
  }

  /**
   * Switches to train mode: batch norms use the batch's statistics and move the running ones, by PyTorch's rule.
   * There are no gradients: those are the Trainer's, of `libtorch-resnet/train`.
   *
   * @throws ERR_BUSY
   */
  train(mode = true): this {
    const module = Module.#of(this);
    if (typeof mode !== 'boolean') throw badArgument('mode', 'a boolean', mode);
    callNative(() => module.#native.train(mode));
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
    callNative(() => module.#native.to(device));
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
    return new Map(callNative(() => module.#native.stateDict()).map((entry) => [entry.name, fromNativeTensor(entry)]));
  }

  /**
   * Copies values into the module. Everything is checked before anything is written.
   *
   * @param entries - names to tensors; any of the namings of {@link LoadOptions.naming}; any floating dtype
   * @throws ERR_WEIGHTS_MISMATCH listing what is missing, unexpected or misshapen; ERR_UNSUPPORTED_MODEL if that
   *   looks like another network; ERR_BUSY, ERR_DTYPE
   */
  loadStateDict(
    entries: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
    options: LoadOptions = {},
  ): LoadReport {
    const module = Module.#of(this);
    checkOptionsObject(options);
    const state = checkEntries(entries);
    const match = matchState(
      'The state',
      callNative(() => module.#native.stateSpec()),
      state,
      options,
    );
    const matched = match.pairs.map(({ name, source, transposed }): [string, Tensor] => {
      const tensor = state.get(source) as Tensor;
      return [name, transposed ? transpose(tensor) : tensor];
    });
    const values = toNativeEntries([...matched, ...zeroed(match.untracked)]);
    callNative(() => module.#native.loadState(values));
    if (options.onWarning !== undefined) {
      const loaded = match.pairs.map(({ source }) => [source, state.get(source) as Tensor] as const);
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
    if (!KINDS.includes(count)) throw badArgument('count', "'all', 'parameters' or 'article'", count);
    // Any input runs through all layers.
    const rows = callNative(() => module.#native.trace([1, module.#inputChannels, 1, 1]));
    return rows.reduce((sum, row) => sum + countParameters(row, count), 0);
  }

  /**
   * Frees the network's memory as soon as the forwards in flight are done. Using the module afterward is
   * ERR_DISPOSED; disposing again does nothing.
   *
   * @throws ERR_BUSY while a trainer has the module
   */
  dispose(): void {
    const module = Module.#of(this, true);
    callNative(() => module.#native.dispose());
    module.#disposed = true;
  }

  /** `using` calls this; the same as `dispose()`. */
  [Symbol.dispose](): void {
    Module.#of(this, true).dispose();
  }

  /** The receiver of a method; a method called on another object fails with a code instead of a TypeError. */
  static #of(receiver: unknown, allowDisposed = false): Module {
    if (typeof receiver !== 'object' || receiver === null || !(#native in receiver)) {
      throw badArgument('this', 'a ResNet, BasicBlock or BottleneckBlock', receiver);
    }
    if (receiver.#disposed && !allowDisposed) throw new ResNetError('ERR_DISPOSED', 'The module was disposed of.');
    return receiver;
  }

  /** See module-internals.ts. @internal */
  static internals(module: Module): { handle: NativeModule; inputChannels: number } {
    const known = Module.#of(module);
    return { handle: known.#native, inputChannels: known.#inputChannels };
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

function checkEntries(entries: unknown): ReadonlyMap<string, Tensor> {
  if (typeof entries !== 'object' || entries === null) {
    throw badArgument('entries', 'a Map or an object of names to Tensors', entries);
  }
  const state = new Map<unknown, unknown>(isMap(entries) ? entries : Object.entries(entries));
  for (const [name, tensor] of state) {
    if (typeof name !== 'string') throw badArgument('entries', 'named by strings', name);
    state.set(name, checkTensor(tensor, `entries[${inspect(name)}]`));
  }
  return state as Map<string, Tensor>;
}
