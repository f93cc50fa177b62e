import { ResNetError } from '../errors';
import type { Access } from './http/access';
import type { Inference } from './inference';
import type { Metrics } from './metrics';
import type { Limits } from './options';

/** What the routes of a server share. */
export interface ServerState {
  /** By the model's name. */
  readonly inferences: ReadonlyMap<string, Inference>;
  readonly limits: Limits;
  readonly access: Access;
  readonly metrics: Metrics;
  /** Set once the server begins to close: it takes no new work from then on. */
  stopping: boolean;
  /** Inference requests that were accepted and have no response yet. */
  inFlight: number;
}

/** Whether every model has run once and the server is not closing. */
export function isReady(state: ServerState): boolean {
  return !state.stopping && [...state.inferences.values()].every(({ ready }) => ready);
}

/** Whether a model has run once and the server is not closing. */
export function isModelReady({ stopping }: ServerState, { ready }: Inference): boolean {
  return ready && !stopping;
}

/** The model of that name; without a name the only one. @throws ERR_NOT_FOUND */
export function findModel({ inferences }: ServerState, name: string | undefined): Inference {
  const [first] = inferences.values();
  const found = name === undefined && inferences.size === 1 ? first : inferences.get(name ?? '');
  if (found !== undefined) return found;
  const names = [...inferences.keys()].join(', ');
  const problem = name === undefined ? 'A model must be named' : 'There is no such model';
  throw new ResNetError('ERR_NOT_FOUND', `${problem}; served here: ${names}.`);
}
