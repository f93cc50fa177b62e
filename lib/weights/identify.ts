import { ResNetError } from '../errors';
import type { Layers } from '../depths';
import { fit, type Given } from './match';
import { ALL_NAMINGS, checkNaming, namesIn, storesTransposed, type Naming } from './names';

/** What a weight file holds, as far as its names and shapes tell. */
export interface Identity {
  layers: Layers;
  numClasses: number;
  naming: Naming;
}

/**
 * The depth and the number of classes whose names fit the given ones best.
 *
 * @param namesOf - each depth's article names, in order; taken until one fits exactly
 * @param naming - only this one is tried; 'auto' tries all
 * @throws ERR_WEIGHTS_MISMATCH where nothing here looks like a ResNet
 */
export function identifyResNet(
  subject: string,
  given: ReadonlyMap<string, Given>,
  namesOf: Iterable<readonly [Layers, readonly string[]]>,
  naming: Naming | 'auto' = 'auto',
): Identity {
  const only = checkNaming(naming);
  const namings = only === 'auto' ? ALL_NAMINGS : [only];
  let best: Identity | undefined;
  let bestFit = 0;
  for (const [layers, names] of namesOf) {
    for (const candidate of namings) {
      const value = fit(candidate, names, given);
      if (value <= bestFit) continue;
      bestFit = value;
      best = { layers, numClasses: classesOf(candidate, names, given), naming: candidate };
      if (value === given.size && best.numClasses > 0) return best; // none can fit better
    }
  }
  if (best !== undefined && best.numClasses > 0) return best;
  const some = [...given.keys()].slice(0, 3).join(', ');
  throw new ResNetError(
    'ERR_WEIGHTS_MISMATCH',
    `${subject} does not hold a ResNet of a depth that is supported: ${given.size} tensors${some && `, the first ${some}`}.`,
  );
}

/** From the head's weight; 0 where it is not there. */
function classesOf(naming: Naming, articleNames: readonly string[], given: ReadonlyMap<string, Given>): number {
  const head = namesIn(naming, articleNames)[articleNames.indexOf('fc.weight')] ?? '';
  return given.get(head)?.shape.at(storesTransposed(naming) ? 1 : 0) ?? 0;
}
