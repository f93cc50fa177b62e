import { ResNetError } from '../errors';
import type { LoadPlan } from '../weights/plan-load';
import { publishedWeights } from '../weights/published/catalog';
import type { ParsedWeights } from '../weights/parse-weights';
import type { WeightSource } from '../weights/source/weight-source';
import { checkPreprocess, type Preprocess, type ResolvedPreprocess } from './preprocess';
import type { PreprocessPreset } from './presets';

/** Labels, activation and preprocessing that belong to weights. */
export type ModelSource = Partial<Pick<WeightSource, 'labels' | 'activation' | 'preprocess' | 'unsupportedPreprocess'>>;

/**
 * What is known about weights besides their values: from torchvision's catalog, or from the files beside them. Files
 * that describe a network of another depth or with other classes belong to other weights, and are ignored.
 *
 * @throws ERR_FILE, ERR_WEIGHTS_FORMAT
 */
export async function sourceOf(weights: ParsedWeights, plan: LoadPlan): Promise<ModelSource> {
  if (weights.kind === 'published') {
    const { resize, crop, interpolation } = publishedWeights(weights.name, plan.layers);
    return { preprocess: { resize, crop, interpolation } };
  }
  const source = await plan.sourceFiles.source();
  if (source?.layers !== plan.layers) return {};
  return (source.numClasses ?? plan.numClasses) === plan.numClasses ? source : {};
}

/**
 * The user's preprocessing, or else that of the source. If the source's is not supported, the user has to choose: the
 * default would silently be another one.
 *
 * @throws ERR_ARGUMENT
 */
export function resolvePreprocess(
  { preprocess: defaults, unsupportedPreprocess }: ModelSource,
  preprocess: Preprocess | PreprocessPreset | undefined,
): ResolvedPreprocess {
  const chosen = typeof preprocess === 'string' || Object.values(preprocess ?? {}).some((value) => value !== undefined);
  if (unsupportedPreprocess !== undefined && !chosen) {
    throw new ResNetError(
      'ERR_ARGUMENT',
      `preprocess must be given, because that of the weights is not supported: ${unsupportedPreprocess}.`,
    );
  }
  return checkPreprocess(preprocess, defaults);
}
