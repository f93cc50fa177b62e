export type { Mix } from './augment/mix';
export { Trainer } from './trainer';
export type { BatchEvaluation, StepOptions, StepResult, Target } from './trainer';
export type {
  AdamWOptions,
  FreezeOptions,
  LossOptions,
  OptimizerOptions,
  ResolvedOptimizer,
  ResolvedTrainerOptions,
  SgdOptions,
  TrainerOptions,
} from './trainer-options';
