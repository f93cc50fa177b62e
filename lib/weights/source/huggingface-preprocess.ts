import { inspect } from '../../errors';
import { isRecord } from '../formats/guards';
import type { JsonFields } from '../formats/json-file';
import { INTERPOLATIONS, MAX_SIDE, unsupported } from './common-fields';
import type { ParsedPreprocess } from './weight-source';

const CONVNEXT = /^ConvNext(ImageProcessor|FeatureExtractor)/;
/** Processors that resize the shorter side and then crop a square from the center. */
const CROPPING = /^(Bit|CLIP|MobileNetV1|MobileNetV2|LeViT|Levit)(ImageProcessor|FeatureExtractor)/;
/** PIL's resampling filters by number. */
const RESAMPLE: Readonly<Record<number, string>> = {
  0: 'nearest',
  1: 'lanczos',
  2: 'bilinear',
  3: 'bicubic',
  4: 'box',
  5: 'hamming',
};

/** From this size on, ConvNeXt's processor squeezes the whole picture into a square instead of cropping. */
const MIN_SQUEEZED = 384;

/**
 * Reads Hugging Face's `preprocessor_config.json`.
 *
 * @throws ERR_WEIGHTS_FORMAT
 */
export function huggingfacePreprocess(fields: JsonFields): ParsedPreprocess {
  const processor = fields.text('image_processor_type') ?? fields.text('feature_extractor_type') ?? 'none named';
  for (const step of ['do_resize', 'do_rescale']) {
    if (fields.flag(step) === false) return unsupported(fields.path, `${step} is false`);
  }
  const factor = fields.number('rescale_factor', 0, 1) ?? 1 / 255;
  if (Math.abs(factor * 255 - 1) > 1e-6) return unsupported(fields.path, `rescale_factor is ${factor}`);
  const sizes = CONVNEXT.test(processor) ? convnextSizes(fields) : centerCropSizes(fields, processor);
  if (typeof sizes === 'string') return unsupported(fields.path, sizes);
  const resample = fields.integer('resample', 0, 5);
  const name = resample === undefined ? undefined : RESAMPLE[resample];
  const interpolation = INTERPOLATIONS.find((known) => known === name);
  if (interpolation === undefined)
    return unsupported(fields.path, `resample is ${resample ?? 'not given'} (${name ?? '?'})`);
  const norm = readNormalization(fields);
  if (norm === undefined) return unsupported(fields.path, 'image_mean and image_std are not given');
  return { preprocess: { ...sizes, interpolation, ...norm }, unsupportedPreprocess: undefined };
}

interface Sizes {
  resize: number;
  crop: number;
}

/** The shorter side becomes size / crop_pct, rounded down to whole pixels, then the center is cropped. */
function convnextSizes(fields: JsonFields): Sizes | string {
  const crop = sideOf(fields, 'size', 'shortest_edge');
  if (crop === undefined) return 'size has no shortest_edge';
  if (crop >= MIN_SQUEEZED) return `size is ${crop}, for which the whole picture is squeezed into a square`;
  const ratio = fields.number('crop_pct', 0.01, 1) ?? 224 / 256;
  return { resize: Math.trunc(crop / ratio), crop };
}

function centerCropSizes(fields: JsonFields, processor: string): Sizes | string {
  if (!CROPPING.test(processor)) return `its processor is ${inspect(processor)}`;
  if (fields.flag('do_center_crop') !== true) return 'do_center_crop is not true';
  const resize = sideOf(fields, 'size', 'shortest_edge');
  if (resize === undefined) return 'size has no shortest_edge';
  const crop = sideOf(fields, 'crop_size', 'height');
  if (crop === undefined || crop !== sideOf(fields, 'crop_size', 'width')) return 'crop_size is not a square';
  return { resize, crop };
}

/** Older versions write a size as a number, newer ones as an object of sides. */
function sideOf(fields: JsonFields, name: string, side: string): number | undefined {
  const value = fields.read(name, 'a number or an object', isNumberOrRecord);
  return typeof value === 'object'
    ? fields.object(name)?.integer(side, 1, MAX_SIDE)
    : fields.integer(name, 1, MAX_SIDE);
}

function readNormalization(fields: JsonFields): { mean: number[]; std: number[] } | undefined {
  if (fields.flag('do_normalize') === false) return { mean: [0, 0, 0], std: [1, 1, 1] };
  const mean = fields.numbers('image_mean', 3, -1e3, 1e3);
  const std = fields.numbers('image_std', 3, 1e-6, 1e3);
  return mean && std && { mean, std };
}

function isNumberOrRecord(value: unknown): value is number | Record<string, unknown> {
  return typeof value === 'number' || isRecord(value);
}
