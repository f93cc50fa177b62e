import { DEFAULT_LAYERS, type Layers } from '../depths';
import { badArgument, ResNetError, inspect } from '../errors';
import { isWeightsName, WEIGHTS_NAMES, type WeightsName } from './published/catalog';

/** What a `weights` option refers to. */
export type ParsedWeights =
  /** An untrained network, for trials. Without a seed, its values differ each time. */
  | { kind: 'random'; seed: number | undefined }
  /** Weights that torchvision publishes. */
  | { kind: 'published'; name: WeightsName }
  /** A weight file, an index of shards, or a folder of either. */
  | { kind: 'file'; path: string };

/** What {@link parseWeights} takes instead of a path. */
export const NAMES = [...WEIGHTS_NAMES, 'random', 'random:SEED'] as const;

/**
 * Parses 'random', 'random:SEED', a name of torchvision's, or a path. A file of such a name is written './random'.
 *
 * @throws ERR_ARGUMENT
 */
export function parseWeights(weights: unknown): ParsedWeights {
  if (typeof weights !== 'string' || weights === '') {
    const expected = "the path of a weight file, a name of torchvision's, 'random' or 'random:SEED'";
    throw badArgument('weights', expected, weights);
  }
  if (isWeightsName(weights)) return { kind: 'published', name: weights };
  if (weights === 'random') return { kind: 'random', seed: undefined };
  if (!weights.startsWith('random:')) return { kind: 'file', path: weights };
  const digits = weights.slice('random:'.length);
  const seed = Number(digits);
  if (/^\d+$/.test(digits) && Number.isSafeInteger(seed)) return { kind: 'random', seed };
  throw new ResNetError(
    'ERR_ARGUMENT',
    `weights must be 'random:SEED' with an integer from 0 to 2^53 - 1, but got ${inspect(weights)}.`,
  );
}

/** The depth where none is given: undefined for a file, which tells it. @throws ERR_ARGUMENT */
export function defaultLayers(weights: unknown): Layers | undefined {
  return parseWeights(weights).kind === 'file' ? undefined : DEFAULT_LAYERS;
}
