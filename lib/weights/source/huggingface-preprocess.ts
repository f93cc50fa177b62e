import { show } from '../../errors';
import { isRecord, type Fields } from '../formats/json-file';
import type { ToldPreprocess } from './read-source';
import { INTERPOLATIONS, LONGEST_SIDE, unsupported } from './common-fields';

const CONVNEXT = /^ConvNext(ImageProcessor|FeatureExtractor)/;
/** Processors that resize the shorter side and then cut a square out of the center. */
const CROPPING = /^(Bit|CLIP|MobileNetV1|MobileNetV2|LeViT|Levit)(ImageProcessor|FeatureExtractor)/;
/** PIL's numbers. */
const RESAMPLE: Readonly<Record<number, string>> = {
  0: 'nearest',
  1: 'lanczos',
  2: 'bilinear',
  3: 'bicubic',
  4: 'box',
  5: 'hamming',
};

/** From this size on ConvNeXt's processor squeezes the whole picture into a square. */
const SQUEEZED_FROM = 384;

/**
 * Hugging Face's `preprocessor_config.json`.
 *
 * @throws ERR_WEIGHTS_FORMAT
 */
export function huggingfacePreprocess(fields: Fields): ToldPreprocess {
  const processor = fields.text('image_processor_type') ?? fields.text('feature_extractor_type') ?? 'none named';
  for (const step of ['do_resize', 'do_rescale']) {
    if (fields.flag(step) === false) return unsupported(fields.path, `${step} is false`);
  }
  const factor = fields.number('rescale_factor', 0, 1) ?? 1 / 255;
  if (Math.abs(factor * 255 - 1) > 1e-6) return unsupported(fields.path, `rescale_factor is ${factor}`);
  const sizes = CONVNEXT.test(processor) ? convnextSizes(fields) : croppedSizes(fields, processor);
  if (typeof sizes === 'string') return unsupported(fields.path, sizes);
  const resample = fields.integer('resample', 0, 5);
  const name = resample === undefined ? undefined : RESAMPLE[resample];
  const interpolation = INTERPOLATIONS.find((known) => known === name);
  if (interpolation === undefined)
    return unsupported(fields.path, `resample is ${resample ?? 'not told'} (${name ?? '?'})`);
  const colors = normalization(fields);
  if (colors === undefined) return unsupported(fields.path, 'image_mean and image_std are not told');
  return { preprocess: { ...sizes, interpolation, ...colors }, unsupportedPreprocess: undefined };
}

interface Sizes {
  resize: number;
  crop: number;
}

/** The shorter side to size / crop_pct, a whole number of pixels, then the center. */
function convnextSizes(fields: Fields): Sizes | string {
  const crop = sideOf(fields, 'size', 'shortest_edge');
  if (crop === undefined) return 'size has no shortest_edge';
  if (crop >= SQUEEZED_FROM) return `size is ${crop}, for which the whole picture is squeezed into a square`;
  const part = fields.number('crop_pct', 0.01, 1) ?? 224 / 256;
  return { resize: Math.trunc(crop / part), crop };
}

function croppedSizes(fields: Fields, processor: string): Sizes | string {
  if (!CROPPING.test(processor)) return `its processor is ${show(processor)}`;
  if (fields.flag('do_center_crop') !== true) return 'do_center_crop is not true';
  const resize = sideOf(fields, 'size', 'shortest_edge');
  if (resize === undefined) return 'size has no shortest_edge';
  const crop = sideOf(fields, 'crop_size', 'height');
  if (crop === undefined || crop !== sideOf(fields, 'crop_size', 'width')) return 'crop_size is no square';
  return { resize, crop };
}

/** A size as older versions write it, a number, or as newer ones do, an object of sides. */
function sideOf(fields: Fields, name: string, side: string): number | undefined {
  const within = fields.read(name, 'a number or an object', isNumberOrRecord);
  return typeof within === 'object'
    ? fields.object(name)?.integer(side, 1, LONGEST_SIDE)
    : fields.integer(name, 1, LONGEST_SIDE);
}

function normalization(fields: Fields): { mean: number[]; std: number[] } | undefined {
  if (fields.flag('do_normalize') === false) return { mean: [0, 0, 0], std: [1, 1, 1] };
  const mean = fields.numbers('image_mean', 3, -1e3, 1e3);
  const std = fields.numbers('image_std', 3, 1e-6, 1e3);
  return mean && std && { mean, std };
}

function isNumberOrRecord(value: unknown): value is number | Record<string, unknown> {
  return typeof value === 'number' || isRecord(value);
}
