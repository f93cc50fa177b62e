import { checkInteger, checkOptionsObject, checkSignal } from '../check';
import { badArgument, ResNetError } from '../errors';
import { Module, type ForwardOptions } from '../module';
import { callNative, type Addon, type NativeModuleSpec, type NativeTensor, type NativeTrainer } from '../native/addon';
import { toNativeInput } from '../native/input';
import { runJob } from '../native/job';
import { fromNativeTensor, toNativeTensor } from '../native/tensors';
import { checkTensor, isTensor, Tensor } from '../tensor';
import { makeModule, specOf } from './network-spec';
import { checkMix, type Mix } from './augment/mix';
import { readTrainerFile, saveTrainerFile } from './trainer-file';
import {
  checkLearningRate,
  resolveTrainerOptions,
  type ResolvedTrainerOptions,
  type TrainerOptions,
} from './trainer-options';

/** Options of {@link Trainer.step}. */
export interface StepOptions extends ForwardOptions {
  /** The learning rate of the update that this step ends. Default: the optimizer's `lr` */
  lr?: number | undefined;
  /** Number of batches that this update averages. Default: the trainer's `accumulate` */
  accumulate?: number | undefined;
  /** Mixes the images of the batch, and their targets. Default: they stay as they are. */
  mix?: Mix | undefined;
}

/** What a step found, before it changed the weights. */
export interface StepResult {
  /** Mean loss of the batch. */
  loss: number;
  /** Share of pictures whose likeliest class is right; of a mixed one, the class with the larger share counts. */
  top1: number;
  /** Norm of all gradients together, before clipping; undefined while gradients are only accumulated. */
  gradNorm: number | undefined;
}

/** The loss and accuracy of a batch. */
export interface BatchEvaluation {
  /** Mean loss. */
  loss: number;
  /** Share of pictures whose likeliest class is right. */
  top1: number;
  /** Share of pictures whose right class is among the five likeliest. */
  top5: number;
  /** Number of pictures. */
  count: number;
}

/**
 * The right answers of a batch: the classes, as an int64 Tensor [N] or a list of integers, or a probability for each
 * class, as a float32 Tensor [N, classes].
 */
export type Target = Tensor | readonly number[];

/**
 * Trains a network, batch by batch, on a thread of its own: forward, loss, backward and update, as PyTorch does them.
 *
 * While a trainer lives, `forward`, `stateDict`, `save` and `optimize` of its network run between two steps; whatever
 * else changes the network is ERR_BUSY. Steps that are started together run one after another. A step that is aborted or
 * fails leaves weights, running statistics, averages and the optimizer as they were.
 *
 * @example
 * using trainer = new Trainer(net, { optimizer: { name: 'sgd', lr: 0.05 } });
 * const { loss } = await trainer.step(x, [3, 1, 4, 1]);
 */
export class Trainer {
  /** The network that is trained. */
  readonly network: Module;
  /** All options, with their defaults. */
  readonly options: ResolvedTrainerOptions;
  readonly #native: NativeTrainer;
  readonly #spec: NativeModuleSpec;
  #disposed = false;

  /**
   * @param network - a ResNet or a block on the CPU; a block's classes are the means of its output channels
   * @throws ERR_BUSY if another trainer has the network or forwards are in flight; ERR_ARGUMENT, ERR_DEVICE,
   *   ERR_DISPOSED
   */
  constructor(network: Module, options: TrainerOptions = {}) {
    this.#spec = specOf(network);
    this.options = resolveTrainerOptions(options);
    const { handle } = Module.internals(network);
    const { freeze } = this.options;
    if (this.#spec.type !== 'ResNet' && (freeze.stem || freeze.stages > 0)) {
      throw badArgument('freeze', 'left out for a block, which has no stages', freeze);
    }
    network.eval();
    this.network = network;
    this.#native = callNative((binding) => binding.createTrainer(handle, toNativeOptions(this.options)));
  }

  /**
   * Continues from a checkpoint of {@link Trainer.save}: the network, the optimizer's state, the averages and the
   * number of updates are those of the trainer that wrote it, so the next steps give the same bits.
   *
   * @throws ERR_FILE, ERR_WEIGHTS_FORMAT; ERR_CHECKPOINT if the folder holds no trainer's checkpoint
   */
  static async resume(folder: string): Promise<Trainer> {
    checkFolder(folder);
    const { path, spec, options, entries, updates, accumulated } = await readTrainerFile(folder);
    const network = makeModule(spec);
    try {
      const { threads, ...rest } = options;
      const trainer = new Trainer(network, { ...rest, ...(threads === 0 ? {} : { threads }) });
      try {
        await runJob(() => trainer.#native.readState(path, entries, { updates, accumulated }));
        return trainer;
      } catch (error) {
        trainer.dispose();
        throw error;
      }
    } catch (error) {
      network.dispose();
      throw error;
    }
  }

  /**
   * Computes the gradients of a batch and updates the weights.
   *
   * @param x - [N, C, H, W], float32 (float16, bfloat16 and float64 are converted), or 8-bit RGB pictures
   *   [N, H, W, 3], uint8, which are normalized; copied before this returns
   * @throws ERR_DIVERGED if the loss or a gradient is not finite; ERR_ARGUMENT, ERR_SHAPE, ERR_DTYPE, ERR_DISPOSED,
   *   ERR_OUT_OF_MEMORY, or the signal's reason
   */
  async step(x: Tensor, target: Target, options: StepOptions = {}): Promise<StepResult> {
    const native = Trainer.#of(this).#native;
    const signal = checkSignal(options);
    checkOptionsObject(options, ['lr', 'accumulate', 'mix', 'signal']);
    const { lr = this.options.optimizer.lr, accumulate = this.options.accumulate, mix } = options;
    checkLearningRate(lr);
    checkInteger('accumulate', accumulate, 1, 1_000_000);
    if (mix !== undefined) checkMix(mix);
    const [input, answers] = this.#batch(x, target);
    const { loss, correct, gradNorm } = await runJob(
      () => native.step(input, answers, { lr, accumulate, mix }),
      signal,
    );
    return { loss, top1: correct / (input.shape[0] as number), gradNorm };
  }

  /**
   * The gradients of the mean loss, by the article's names of the trained parameters. Nothing changes.
   *
   * @throws as {@link Trainer.step}, but for ERR_DIVERGED
   */
  async gradients(x: Tensor, target: Target, options: ForwardOptions = {}): Promise<Map<string, Tensor>> {
    const native = Trainer.#of(this).#native;
    const signal = checkSignal(options);
    const [input, answers] = this.#batch(x, target);
    const entries = await runJob(() => native.gradients(input, answers), signal);
    return new Map(entries.map((entry) => [entry.name, fromNativeTensor(entry)]));
  }

  /** The loss and accuracy of a batch in eval mode. @throws as {@link Trainer.step}, but for ERR_DIVERGED */
  async evaluate(x: Tensor, target: Target, options: ForwardOptions = {}): Promise<BatchEvaluation> {
    const native = Trainer.#of(this).#native;
    const signal = checkSignal(options);
    const [input, answers] = this.#batch(x, target);
    const { loss, correct, correctOf5, count } = await runJob(() => native.evaluate(input, answers), signal);
    return { loss, top1: correct / count, top5: correctOf5 / count, count };
  }

  /**
   * Writes a checkpoint, `trainer.safetensors` in the folder, atomically: between two steps, off the event loop.
   *
   * @throws ERR_FILE, ERR_DISPOSED
   */
  async save(folder: string): Promise<void> {
    const trainer = Trainer.#of(this);
    checkFolder(folder);
    await saveTrainerFile(folder, trainer.#spec, trainer.options, await trainer.snapshot());
  }

  /** Copies of all state, between two steps. @internal */
  snapshot(): Promise<Awaited<ReturnType<NativeTrainer['state']>['promise']>> {
    const native = Trainer.#of(this).#native;
    return runJob(() => native.state());
  }

  /** The names of the parameters that are trained: all but the frozen ones. */
  get trained(): readonly string[] {
    const native = Trainer.#of(this).#native;
    return callNative(() => native.trained());
  }

  /** Gives the network back as soon as the steps in flight are done, and frees the optimizer's memory. */
  dispose(): void {
    this.#disposed = true;
    this.#native.dispose();
  }

  /** `using` calls this; the same as `dispose()`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #batch(x: Tensor, target: Target): [NativeTensor, NativeTensor] {
    const { inputChannels } = Module.internals(this.network);
    const input = toNativeInput(x, inputChannels, 'x', inputChannels === 3);
    return [input, toNativeTensor(toTarget(target))];
  }

  static #of(receiver: unknown): Trainer {
    if (typeof receiver !== 'object' || receiver === null || !(#native in receiver)) {
      throw badArgument('this', 'a Trainer', receiver);
    }
    if (receiver.#disposed) throw new ResNetError('ERR_DISPOSED', 'The trainer was disposed of.');
    return receiver;
  }
}

function toTarget(target: unknown): Tensor {
  if (isTensor(target)) return checkTensor(target, 'target');
  const isClasses = Array.isArray(target) && target.every((label) => Number.isSafeInteger(label));
  if (!isClasses) throw badArgument('target', 'a Tensor or a list of integers', target);
  return new Tensor(BigInt64Array.from(target as readonly number[], BigInt), [target.length]);
}

function toNativeOptions(options: ResolvedTrainerOptions): Parameters<Addon['createTrainer']>[1] {
  const { optimizer, loss, freeze, batchNorm, backboneRate, clipGradNorm, ema, precision, mean, std, threads } =
    options;
  const { classWeights } = loss;
  return {
    freeze,
    batchNorm,
    backboneRate,
    mean,
    std,
    optimizer:
      optimizer.name === 'sgd' ? optimizer : { ...optimizer, beta1: optimizer.betas[0], beta2: optimizer.betas[1] },
    loss: {
      name: loss.name,
      labelSmoothing: loss.labelSmoothing,
      classWeights: classWeights && toNativeTensor(new Tensor(Float32Array.from(classWeights), [classWeights.length])),
    },
    clipGradNorm,
    emaDecay: ema?.decay,
    bfloat16: precision === 'bfloat16',
    threads,
  };
}

function checkFolder(folder: unknown): asserts folder is string {
  if (typeof folder !== 'string' || folder === '') throw badArgument('folder', 'the path of a folder', folder);
}
