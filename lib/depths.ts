/** The depths of the article's layers_config. */
export const SUPPORTED_LAYERS = [18, 34, 50, 101, 152] as const;

/** A supported depth. */
export type Layers = (typeof SUPPORTED_LAYERS)[number];
