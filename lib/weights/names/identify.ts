import { ResNetError } from '../../errors';
import { SUPPORTED_LAYERS, type Layers } from '../../depths';
import { articleSpec } from './article';
import { fit, type Given } from './match';
import { ALL_NAMINGS, checkNaming, namesIn, storesTransposed, type Naming } from './namings';
import { otherNetwork } from './other-networks';

/** What a weight file holds, as far as its names and shapes tell. */
export interface Identity {
  layers: Layers;
  numClasses: number;
  naming: Naming;
}

/**
 * The depth and the number of classes whose names fit the given ones best.
 *
 * @param naming - only this one is tried; 'auto' tries all
 * @throws ERR_WEIGHTS_MISMATCH where nothing here looks like a ResNet, ERR_UNSUPPORTED_MODEL where it looks like another
 *   network that is known
 */
export function identifyResNet(
  subject: string,
  given: ReadonlyMap<string, Given>,
  naming: Naming | 'auto' = 'auto',
): Identity {
  const only = checkNaming(naming);
  const namings = only === 'auto' ? ALL_NAMINGS : [only];
  let best: Identity | undefined;
  let bestFit = 0;
  for (const layers of SUPPORTED_LAYERS) {
    const names = articleSpec(layers, 1).map(({ name }) => name);
    for (const candidate of namings) {
      const value = fit(candidate, names, given);
      if (value <= bestFit) continue;
      bestFit = value;
      best = { layers, numClasses: classesOf(candidate, names, given), naming: candidate };
      if (value === given.size && best.numClasses > 0) return best; // none can fit better
    }
  }
  if (best !== undefined && best.numClasses > 0) return best;
  const other = otherNetwork(subject, given);
  if (other !== undefined) throw other;
  if (best !== undefined) {
    const head = namesIn(best.naming, ['fc.weight'])[0] ?? '';
    throw new ResNetError(
      'ERR_WEIGHTS_MISMATCH',
      `${subject} looks like a ResNet-${best.layers} without its head: there is no ${head} to tell the classes by.`,
    );
  }
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
