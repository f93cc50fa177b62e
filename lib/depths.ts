import { checkInteger } from './check';
import { ResNetError, inspect } from './errors';

/**
 * The depths in the `layers_config` of "the article", the PaddlePaddle reproduction of He et al. 2015, "Deep Residual
 * Learning for Image Recognition" (arXiv:1512.03385), that this package follows.
 */
export const SUPPORTED_LAYERS = [18, 34, 50, 101, 152] as const;

/** A supported depth. */
export type Layers = (typeof SUPPORTED_LAYERS)[number];

/** Used if neither the user nor a weight file gives the depth. */
export const DEFAULT_LAYERS: Layers = 50;

const MAX_CLASSES = 2 ** 20;

/** @throws ERR_UNSUPPORTED_LAYERS, ERR_ARGUMENT */
export function checkArchitecture(layers: unknown, numClasses: unknown): void {
  checkLayers(layers);
  checkInteger('numClasses', numClasses, 1, MAX_CLASSES);
}

/** @throws ERR_UNSUPPORTED_LAYERS */
export function checkLayers(layers: unknown): asserts layers is Layers {
  if (!SUPPORTED_LAYERS.includes(layers as Layers)) throw unsupportedLayers(layers);
}

/** The error for an unsupported depth, with the article's sentence. */
export function unsupportedLayers(layers: unknown): ResNetError {
  const got = typeof layers === 'string' ? layers : inspect(layers);
  return new ResNetError(
    'ERR_UNSUPPORTED_LAYERS',
    `Supported layers are [${SUPPORTED_LAYERS.join(', ')}], but input layer is ${got}.`,
  );
}
