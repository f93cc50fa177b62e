import type { NativeRow } from './native/addon';

/**
 * 'all': learnable values and running statistics. 'parameters': learnable values, as PyTorch counts. 'article': those
 * without any of a batch norm's, the article's "Trainable params".
 */
export type ParameterKind = 'all' | 'parameters' | 'article';

/** The number of a layer's values of that kind. `num_batches_tracked` never counts. */
export function countParameters({ parameters, statistics }: NativeRow, kind: ParameterKind): number {
  if (kind === 'all') return parameters + statistics;
  const isBatchNorm = statistics > 0;
  return kind === 'article' && isBatchNorm ? 0 : parameters;
}
