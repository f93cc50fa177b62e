import { ResNetError } from '../errors';
import type { Access } from './access';
import type { Inference } from './inference';
import type { Metrics } from './metrics';
import type { Limits } from './options';

/** What the routes of one server share. */
export interface ServerState {
  readonly inferences: ReadonlyMap<string, Inference>;
  readonly limits: Limits;
  readonly access: Access;
  readonly metrics: Metrics;
  /** True from the moment that it stops: nothing new is taken. */
  stopping: boolean;
  /** Requests that were accepted and are not answered yet. */
  inFlight: number;
}

/** Whether every model has run once, and nothing is about to end. */
export function isReady(state: ServerState): boolean {
  return !state.stopping && [...state.inferences.values()].every(({ ready }) => ready);
}

/** The model of that name; without a name the only one. @throws ERR_NOT_FOUND */
export function inferenceOf({ inferences }: ServerState, name: string | undefined): Inference {
  const [first] = inferences.values();
  const found = name === undefined && inferences.size === 1 ? first : inferences.get(name ?? '');
  if (found !== undefined) return found;
  const names = [...inferences.keys()].join(', ');
  const asked = name === undefined ? 'A model must be named' : 'There is no such model';
  throw new ResNetError('ERR_NOT_FOUND', `${asked}; served here: ${names}.`);
}
