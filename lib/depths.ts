import { ResNetError, show } from './errors';

/** The depths of the article's layers_config. */
export const SUPPORTED_LAYERS = [18, 34, 50, 101, 152] as const;

/** A supported depth. */
export type Layers = (typeof SUPPORTED_LAYERS)[number];

/** The article's sentence for a depth that it does not build. */
export function unsupportedLayers(layers: unknown): ResNetError {
  const got = typeof layers === 'string' ? layers : show(layers);
  return new ResNetError(
    'ERR_UNSUPPORTED_LAYERS',
    `Supported layers are [${SUPPORTED_LAYERS.join(', ')}], but input layer is ${got}.`,
  );
}
