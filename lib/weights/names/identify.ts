import { ResNetError } from '../../errors';
import { SUPPORTED_LAYERS, type Layers } from '../../depths';
import { articleSpec } from './article';
import { fitScore } from './match';
import { ALL_NAMINGS, checkNaming, namesIn, storesTransposed, type Naming } from './namings';
import { otherNetwork } from './other-networks';
import type { TensorInfo } from './tensor-info';

/** What a weight file holds, judged by its tensors' names and shapes. */
export interface Identity {
  layers: Layers;
  numClasses: number;
  naming: Naming;
}

/**
 * Finds the depth, the number of classes and the naming that fit the tensors best.
 *
 * @param subject - what is loaded, for the message: its path
 * @param naming - only this one is tried; 'auto' tries all
 * @param headless - the tensors need no head; then the number of classes is 0
 * @throws ERR_WEIGHTS_MISMATCH if the tensors do not look like a ResNet's; ERR_UNSUPPORTED_MODEL if they look like those
 *   of another known network
 */
export function identifyResNet(
  subject: string,
  tensors: ReadonlyMap<string, TensorInfo>,
  naming: Naming | 'auto' = 'auto',
  headless = false,
): Identity {
  const only = checkNaming(naming);
  const namings = only === 'auto' ? ALL_NAMINGS : [only];
  let best: Identity | undefined;
  let bestScore = 0;
  for (const layers of SUPPORTED_LAYERS) {
    const names = articleSpec(layers, 1).map(({ name }) => name);
    for (const candidate of namings) {
      const score = fitScore(candidate, names, tensors);
      if (score <= bestScore) continue;
      bestScore = score;
      best = { layers, numClasses: countClasses(candidate, names, tensors), naming: candidate };
      if (score === tensors.size && (headless || best.numClasses > 0)) return best; // no other can fit better
    }
  }
  if (best !== undefined && (headless || best.numClasses > 0)) return best;
  const other = otherNetwork(subject, tensors);
  if (other !== undefined) throw other;
  if (best !== undefined) {
    const head = namesIn(best.naming, ['fc.weight'])[0] ?? '';
    throw new ResNetError(
      'ERR_WEIGHTS_MISMATCH',
      `${subject} looks like a ResNet-${best.layers} without its head: there is no ${head} to tell the classes by. ` +
        'The option numClasses (--classes) draws a new head; features need none.',
    );
  }
  const examples = [...tensors.keys()].slice(0, 3).join(', ');
  throw new ResNetError(
    'ERR_WEIGHTS_MISMATCH',
    `${subject} does not hold a ResNet of a depth that is supported: ${tensors.size} tensors${examples && `, the first ${examples}`}.`,
  );
}

/** Rows of the head's weight; 0 if the tensors have no head. */
function countClasses(
  naming: Naming,
  articleNames: readonly string[],
  tensors: ReadonlyMap<string, TensorInfo>,
): number {
  const head = namesIn(naming, articleNames)[articleNames.indexOf('fc.weight')] ?? '';
  return tensors.get(head)?.shape.at(storesTransposed(naming) ? 1 : 0) ?? 0;
}
