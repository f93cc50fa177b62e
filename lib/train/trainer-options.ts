import { checkBoolean, checkChoice, checkInteger, checkOptionsObject, checkRange } from '../check';
import { badArgument } from '../errors';
import { checkNormalization, IMAGENET_NORM } from '../normalization';

/** Stochastic gradient descent, `torch.optim.SGD`. */
export interface SgdOptions {
  name: 'sgd';
  /** Learning rate. Default: 0.1 */
  lr?: number | undefined;
  /** Default: 0.9 */
  momentum?: number | undefined;
  /** Default: false */
  nesterov?: boolean | undefined;
  /** Default: 0 */
  dampening?: number | undefined;
  /** Default: 1e-4 */
  weightDecay?: number | undefined;
  /** Whether batch norms and biases decay too. Default: true */
  decayNorms?: boolean | undefined;
}

/** Adam with decoupled weight decay, `torch.optim.AdamW`. */
export interface AdamWOptions {
  name: 'adamw';
  /** Learning rate. Default: 1e-3 */
  lr?: number | undefined;
  /** Default: [0.9, 0.999] */
  betas?: readonly [number, number] | undefined;
  /** Default: 1e-8 */
  eps?: number | undefined;
  /** Default: 0.01 */
  weightDecay?: number | undefined;
  /** Whether batch norms and biases decay too. Default: true */
  decayNorms?: boolean | undefined;
}

export type OptimizerOptions = SgdOptions | AdamWOptions;

/** What a step minimizes. */
export interface LossOptions {
  /** 'cross-entropy': one class for each picture. 'binary-cross-entropy': each class by itself, for several labels. */
  name: 'cross-entropy' | 'binary-cross-entropy';
  /** For cross-entropy, from 0 to 1. Default: 0 */
  labelSmoothing?: number | undefined;
  /** A weight for each class: of its pictures in cross-entropy, of its positives in binary cross-entropy. */
  classWeights?: readonly number[] | undefined;
}

/** The first layers, which keep their values. */
export interface FreezeOptions {
  /** How many of a ResNet's four stages. Default: 0 */
  stages?: number | undefined;
  /** The first convolution and its batch norm. Default: true if `stages` is not 0 */
  stem?: boolean | undefined;
}

/** Options of a {@link Trainer}. */
export interface TrainerOptions {
  /** Default: SGD with its defaults. */
  optimizer?: OptimizerOptions | undefined;
  /** Default: cross-entropy. */
  loss?: LossOptions | undefined;
  /** Default: nothing is frozen. */
  freeze?: FreezeOptions | undefined;
  /**
   * 'frozen-with-layer' (default): batch norms of frozen layers use their running statistics and keep them, the others
   * use the batch's. 'train': all use the batch's. 'frozen': none does.
   */
  batchNorm?: 'frozen-with-layer' | 'train' | 'frozen' | undefined;
  /** Factor of the learning rate for everything but the last layer. Default: 1 */
  backboneRate?: number | undefined;
  /** Number of batches whose gradients are averaged for one update. Default: 1 */
  accumulate?: number | undefined;
  /** The largest norm of all gradients together, `torch.nn.utils.clip_grad_norm_`. Default: no limit */
  clipGradNorm?: number | undefined;
  /** Keeps an exponential moving average of the weights and running statistics. */
  ema?: { decay: number } | undefined;
  /** 'bfloat16': convolutions compute in bfloat16, `torch.autocast`. Default: 'float32' */
  precision?: 'float32' | 'bfloat16' | undefined;
  /** Cores to use. Default: all */
  threads?: number | undefined;
  /** How uint8 pictures are normalized: (value / 255 - mean) / std. Default: ImageNet's */
  mean?: readonly number[] | undefined;
  /** See `mean`. */
  std?: readonly number[] | undefined;
}

/** {@link TrainerOptions}, checked and complete, as plain JSON: checkpoints hold it. */
export interface ResolvedTrainerOptions {
  optimizer: ResolvedOptimizer;
  loss: { name: LossOptions['name']; labelSmoothing: number; classWeights?: readonly number[] };
  freeze: { stages: number; stem: boolean };
  batchNorm: 'frozen-with-layer' | 'train' | 'frozen';
  backboneRate: number;
  accumulate: number;
  clipGradNorm?: number;
  ema?: { decay: number };
  precision: 'float32' | 'bfloat16';
  threads: number;
  mean: readonly number[];
  std: readonly number[];
}

export type ResolvedOptimizer =
  | {
      name: 'sgd';
      lr: number;
      momentum: number;
      nesterov: boolean;
      dampening: number;
      weightDecay: number;
      decayNorms: boolean;
    }
  | {
      name: 'adamw';
      lr: number;
      betas: readonly [number, number];
      eps: number;
      weightDecay: number;
      decayNorms: boolean;
    };

const OPTIONS = [
  'optimizer',
  'loss',
  'freeze',
  'batchNorm',
  'backboneRate',
  'accumulate',
  'clipGradNorm',
  'ema',
  'precision',
  'threads',
  'mean',
  'std',
];

/** @throws ERR_ARGUMENT, naming the option */
export function resolveTrainerOptions(options: TrainerOptions): ResolvedTrainerOptions {
  checkOptionsObject(options, OPTIONS);
  const { batchNorm = 'frozen-with-layer', backboneRate = 1, accumulate = 1, clipGradNorm, ema } = options;
  const { precision = 'float32', threads, mean = IMAGENET_NORM.mean, std = IMAGENET_NORM.std } = options;
  checkChoice('batchNorm', batchNorm, ['frozen-with-layer', 'train', 'frozen']);
  checkRange('backboneRate', backboneRate, 0, 1000);
  checkInteger('accumulate', accumulate, 1, 1_000_000);
  if (clipGradNorm !== undefined) checkRange('clipGradNorm', clipGradNorm, Number.MIN_VALUE, Number.MAX_VALUE);
  if (ema !== undefined) {
    checkOptionsObject(ema, ['decay'], 'ema');
    checkRange('ema.decay', ema.decay, 0, 1);
  }
  checkChoice('precision', precision, ['float32', 'bfloat16']);
  if (threads !== undefined) checkInteger('threads', threads, 1, 1024);
  return {
    optimizer: resolveOptimizer(options.optimizer),
    loss: resolveLoss(options.loss),
    freeze: resolveFreeze(options.freeze),
    batchNorm,
    backboneRate,
    accumulate,
    ...(clipGradNorm === undefined ? {} : { clipGradNorm }),
    ...(ema === undefined ? {} : { ema: { decay: ema.decay } }),
    precision,
    threads: threads ?? 0,
    ...checkNormalization(mean, std),
  };
}

function resolveOptimizer(options: OptimizerOptions = { name: 'sgd' }): ResolvedOptimizer {
  checkOptionsObject(options, undefined, 'optimizer');
  checkChoice('optimizer.name', options.name, ['sgd', 'adamw']);
  const { decayNorms = true } = options;
  checkBoolean('optimizer.decayNorms', decayNorms);
  if (options.name === 'sgd') {
    const known = ['name', 'lr', 'momentum', 'nesterov', 'dampening', 'weightDecay', 'decayNorms'];
    checkOptionsObject(options, known, 'optimizer');
    const { name, lr = 0.1, momentum = 0.9, nesterov = false, dampening = 0, weightDecay = 1e-4 } = options;
    checkLearningRate(lr, 'optimizer.lr');
    checkRange('optimizer.momentum', momentum, 0, 1);
    checkRange('optimizer.dampening', dampening, 0, 1);
    checkRange('optimizer.weightDecay', weightDecay, 0, 1000);
    checkBoolean('optimizer.nesterov', nesterov);
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw badArgument('optimizer.nesterov', 'false unless there is momentum and no dampening', nesterov);
    }
    return { name, lr, momentum, nesterov, dampening, weightDecay, decayNorms };
  }
  checkOptionsObject(options, ['name', 'lr', 'betas', 'eps', 'weightDecay', 'decayNorms'], 'optimizer');
  const { name, lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01 } = options;
  checkLearningRate(lr, 'optimizer.lr');
  const isPair = Array.isArray(betas) && betas.length === 2 && betas.every((beta) => beta >= 0 && beta < 1);
  if (!isPair) throw badArgument('optimizer.betas', 'two numbers from 0 to below 1', betas);
  checkRange('optimizer.eps', eps, 0, 1);
  checkRange('optimizer.weightDecay', weightDecay, 0, 1000);
  return { name, lr, betas: [betas[0], betas[1]], eps, weightDecay, decayNorms };
}

function resolveLoss(options: LossOptions = { name: 'cross-entropy' }): ResolvedTrainerOptions['loss'] {
  checkOptionsObject(options, ['name', 'labelSmoothing', 'classWeights'], 'loss');
  const { name, labelSmoothing = 0, classWeights } = options;
  checkChoice('loss.name', name, ['cross-entropy', 'binary-cross-entropy']);
  checkRange('loss.labelSmoothing', labelSmoothing, 0, 1);
  if (name === 'binary-cross-entropy' && labelSmoothing !== 0) {
    throw badArgument('loss.labelSmoothing', '0 for binary cross-entropy', labelSmoothing);
  }
  if (classWeights === undefined) return { name, labelSmoothing };
  const isValid = Array.isArray(classWeights) && classWeights.length > 0;
  if (!isValid || !classWeights.every((weight) => Number.isFinite(weight) && weight >= 0)) {
    throw badArgument('loss.classWeights', 'a list of finite numbers from 0', classWeights);
  }
  return { name, labelSmoothing, classWeights: [...(classWeights as readonly number[])] };
}

function resolveFreeze(options: FreezeOptions = {}): { stages: number; stem: boolean } {
  checkOptionsObject(options, ['stages', 'stem'], 'freeze');
  const { stages = 0 } = options;
  checkInteger('freeze.stages', stages, 0, 4);
  const { stem = stages > 0 } = options;
  checkBoolean('freeze.stem', stem);
  if (stages > 0 && !stem) throw badArgument('freeze.stem', 'true where stages are frozen', stem);
  return { stages, stem };
}

/** @throws ERR_ARGUMENT */
export function checkLearningRate(lr: unknown, argument = 'lr'): asserts lr is number {
  checkRange(argument, lr, 0, 1e6);
}
