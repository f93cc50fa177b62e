import { badArgument } from './errors';

/** How the pictures of ImageNet's networks are normalized: torchvision's, timm's and Hugging Face's. */
export const IMAGENET_NORM: { readonly mean: readonly number[]; readonly std: readonly number[] } = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/**
 * @param prefix - put before the names in messages, e.g. `preprocess.`
 * @throws ERR_ARGUMENT if `mean` is not three finite numbers, or `std` not three positive ones
 */
export function checkNormalization(
  mean: unknown,
  std: unknown,
  prefix = '',
): { mean: readonly number[]; std: readonly number[] } {
  const isThree = (values: unknown, fits: (value: number) => boolean): boolean =>
    Array.isArray(values) && values.length === 3 && Array.from(values as number[]).every((value) => fits(value));
  if (!isThree(mean, Number.isFinite)) throw badArgument(`${prefix}mean`, 'three finite numbers', mean);
  if (!isThree(std, (value) => Number.isFinite(value) && value > 0)) {
    throw badArgument(`${prefix}std`, 'three positive numbers', std);
  }
  return { mean: Object.freeze([...(mean as number[])]), std: Object.freeze([...(std as number[])]) };
}
