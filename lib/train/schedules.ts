import { checkChoice, checkInteger, checkOptionsObject, checkRange } from '../check';

/**
 * How the learning rate changes over a run. Each schedule follows PyTorch's of that name
 * (`torch.optim.lr_scheduler`), evaluated at every step; `warmup` precedes it as `LinearLR` does in a `SequentialLR`.
 */
export type ScheduleOptions = { warmup?: WarmupOptions | undefined } & (
  | { name: 'constant' }
  /** `StepLR`: multiplied by `gamma` every `epochs`. Default: 30 epochs, 0.1 */
  | { name: 'step'; epochs?: number | undefined; gamma?: number | undefined }
  /** `CosineAnnealingLR`: half a cosine from the rate to `minFactor` times the rate. Default: 0 */
  | { name: 'cosine'; minFactor?: number | undefined }
  /**
   * `OneCycleLR` with cosines: from the rate / `div` up to the rate during the share `start` of all steps, then down to
   * the rate / `div` / `finalDiv`. Default: 0.3, 25, 10,000
   */
  | { name: 'one-cycle'; start?: number | undefined; div?: number | undefined; finalDiv?: number | undefined }
  /**
   * `ReduceLROnPlateau` with its default threshold: multiplied by `factor` when the validation loss has not fallen for
   * more than `patience` epochs. Default: 0.1, 10
   */
  | { name: 'plateau'; factor?: number | undefined; patience?: number | undefined }
);

/** A linear rise from `factor` times the rate to the rate. */
export interface WarmupOptions {
  /** How long, in epochs; fractions are allowed. */
  epochs: number;
  /** Default: 0.01 */
  factor?: number | undefined;
}

type Complete<T> = T extends unknown ? { [K in keyof T]-?: Exclude<T[K], undefined> } : never;
/** {@link ScheduleOptions}, checked and complete; without a warm-up its `epochs` are 0. */
export type ResolvedSchedule = Complete<ScheduleOptions> & { warmup: { epochs: number; factor: number } };

const NAMES = ['constant', 'step', 'cosine', 'one-cycle', 'plateau'] as const;

/** @throws ERR_ARGUMENT, naming the option */
export function resolveSchedule(options: ScheduleOptions): ResolvedSchedule {
  checkOptionsObject(options, undefined, 'schedule');
  checkChoice('schedule.name', options.name, NAMES);
  const warmup = resolveWarmup(options.warmup);
  const known = (...names: string[]): void => checkOptionsObject(options, ['name', 'warmup', ...names], 'schedule');
  switch (options.name) {
    case 'constant':
      known();
      return { name: options.name, warmup };
    case 'step': {
      known('epochs', 'gamma');
      const { name, epochs = 30, gamma = 0.1 } = options;
      checkInteger('schedule.epochs', epochs, 1, 1_000_000);
      checkRange('schedule.gamma', gamma, 0, 1);
      return { name, epochs, gamma, warmup };
    }
    case 'cosine': {
      known('minFactor');
      const { name, minFactor = 0 } = options;
      checkRange('schedule.minFactor', minFactor, 0, 1);
      return { name, minFactor, warmup };
    }
    case 'one-cycle': {
      known('start', 'div', 'finalDiv');
      const { name, start = 0.3, div = 25, finalDiv = 1e4 } = options;
      checkRange('schedule.start', start, 0, 1);
      checkRange('schedule.div', div, 1, 1e9);
      checkRange('schedule.finalDiv', finalDiv, 1, 1e9);
      return { name, start, div, finalDiv, warmup };
    }
    case 'plateau': {
      known('factor', 'patience');
      const { name, factor = 0.1, patience = 10 } = options;
      checkRange('schedule.factor', factor, 0, 1);
      checkInteger('schedule.patience', patience, 0, 1_000_000);
      return { name, factor, patience, warmup };
    }
  }
}

function resolveWarmup(options: WarmupOptions | undefined): { epochs: number; factor: number } {
  if (options === undefined) return { epochs: 0, factor: 0.01 };
  checkOptionsObject(options, ['epochs', 'factor'], 'schedule.warmup');
  const { epochs, factor = 0.01 } = options;
  checkRange('schedule.warmup.epochs', epochs, 0, 1_000_000);
  checkRange('schedule.warmup.factor', factor, 0, 1);
  return { epochs, factor };
}

/** Where a run is. */
export interface Progress {
  /** Updates so far: 0 for the first one. */
  step: number;
  /** Updates in an epoch. */
  stepsPerEpoch: number;
  /** Updates in the whole run. */
  totalSteps: number;
  /** The validation losses of the epochs so far; for 'plateau'. */
  losses?: readonly number[];
}

/**
 * The factor of the learning rate: a pure function of the progress, so that a run that goes on has the rates of one that
 * was never interrupted.
 */
export function rateFactor(schedule: ResolvedSchedule, progress: Progress): number {
  const { step, stepsPerEpoch, totalSteps } = progress;
  const { epochs, factor } = schedule.warmup;
  const warmupSteps = Math.min(totalSteps, Math.round(epochs * stepsPerEpoch));
  if (step < warmupSteps) return factor + (1 - factor) * (step / warmupSteps);
  const after = step - warmupSteps;
  const remaining = Math.max(1, totalSteps - warmupSteps);
  switch (schedule.name) {
    case 'constant':
      return 1;
    case 'step':
      return schedule.gamma ** Math.floor(after / stepsPerEpoch / schedule.epochs);
    case 'cosine':
      return interpolate(1, schedule.minFactor, after / remaining);
    case 'one-cycle': {
      const peak = schedule.start * remaining - 1;
      const first = 1 / schedule.div;
      if (after <= peak) return interpolate(first, 1, after / peak);
      return interpolate(1, first / schedule.finalDiv, (after - peak) / Math.max(1, remaining - 1 - peak));
    }
    case 'plateau':
      return schedule.factor ** countPlateaus(progress.losses ?? [], schedule.patience);
  }
}

/** From `start` to `end` along half a cosine; `share` from 0 to 1. */
function interpolate(start: number, end: number, share: number): number {
  return end + ((start - end) * (1 + Math.cos(Math.PI * Math.min(1, share)))) / 2;
}

/** How often ReduceLROnPlateau would have reduced the rate. */
function countPlateaus(losses: readonly number[], patience: number): number {
  const THRESHOLD = 1e-4; // relative, PyTorch's default
  let [best, bad, reductions] = [Infinity, 0, 0];
  for (const loss of losses) {
    if (loss < best * (1 - THRESHOLD)) {
      best = loss;
      bad = 0;
    } else {
      bad++;
    }
    if (bad > patience) {
      reductions++;
      bad = 0;
    }
  }
  return reductions;
}
