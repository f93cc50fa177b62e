import type { NativePicture } from '../native/addon';
import { checkChoice, checkInteger, checkOptionsObject } from '../check';
import { checkNormalization } from '../normalization';
import { badArgument, ResNetError } from '../errors';
import { PRESETS, type PreprocessPreset } from './presets';

/** How a picture becomes a network's input. Settings that are left out come from the preset. */
export interface Preprocess {
  /**
   * The settings to start from. Default: those in the files beside the weights, else 'imagenet-v1': resize 256, crop
   * 224, bilinear, ImageNet's mean and std.
   */
  preset?: PreprocessPreset | undefined;
  /** Length of the shorter side after resizing (antialiased), in pixels, at most 16384. */
  resize?: number | undefined;
  /** Instead of `resize`, as in timm: the ratio of `crop` to the shorter side, above 0 and at most 1. */
  cropRatio?: number | undefined;
  /** Side of the square cut out of the center, in pixels, at most 4096. */
  crop?: number | undefined;
  /** How to resize. 'bicubic' is Pillow's, which is PyTorch's antialiased one (a = -0.5). */
  interpolation?: 'bilinear' | 'bicubic' | undefined;
  /** Subtracted per channel (red, green, blue) from values in [0, 1]. ImageNet's: [0.485, 0.456, 0.406]. */
  mean?: readonly number[] | undefined;
  /** The result is divided by it, per channel. ImageNet's: [0.229, 0.224, 0.225]. */
  std?: readonly number[] | undefined;
}

/** {@link Preprocess} with all settings resolved. */
export interface ResolvedPreprocess {
  /** Length of the shorter side after resizing, in pixels. */
  readonly resize: number;
  /** Side of the square cut out of the center, in pixels. */
  readonly crop: number;
  readonly interpolation: 'bilinear' | 'bicubic';
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

const KEYS = ['preset', 'resize', 'cropRatio', 'crop', 'interpolation', 'mean', 'std'];
const MAX_RESIZE = 2 ** 14;
/** A crop of this size takes a gigabyte after the first layer. */
const MAX_CROP = 2 ** 12;

/**
 * Checks preprocessing settings, or the name of a preset, and resolves all settings.
 *
 * @param defaults - override 'imagenet-v1' if no preset is named: the settings in the files beside the weights
 * @throws ERR_ARGUMENT
 */
export function checkPreprocess(
  preprocess: Preprocess | PreprocessPreset = {},
  defaults: Preprocess = {},
): ResolvedPreprocess {
  const settings = typeof preprocess === 'string' ? { preset: preprocess } : preprocess;
  checkOptionsObject(settings, KEYS, 'preprocess');
  const { preset } = settings;
  checkChoice('preprocess.preset', preset, [...Object.keys(PRESETS), undefined]);
  if (settings.resize !== undefined && settings.cropRatio !== undefined) {
    throw new ResNetError('ERR_ARGUMENT', 'preprocess must have resize or cropRatio, but got both.');
  }

  // Later layers override earlier ones.
  const layers: Preprocess[] = [PRESETS[preset ?? 'imagenet-v1'], preset === undefined ? defaults : {}, settings];
  const last = <K extends keyof Preprocess>(key: K): Preprocess[K] =>
    layers.findLast((layer) => layer[key] !== undefined)?.[key];
  const sized = layers.findLast(({ resize, cropRatio }) => (resize ?? cropRatio) !== undefined);

  const crop = last('crop');
  checkInteger('preprocess.crop', crop, 1, MAX_CROP);
  const resize = sized?.resize ?? Math.floor(crop / checkRatio(sized?.cropRatio)); // rounded as in timm
  checkInteger('preprocess.resize', resize, 1, MAX_RESIZE);
  const interpolation = last('interpolation');
  checkChoice('preprocess.interpolation', interpolation, ['bilinear', 'bicubic'] as const);
  const normalization = checkNormalization(last('mean'), last('std'), 'preprocess.');
  return Object.freeze({ resize, crop, interpolation, ...normalization });
}

/**
 * Limits the pixels of the resized picture: a picture that is one pixel high has few pixels, but a huge number once its
 * shorter side is resized.
 *
 * @throws ERR_IMAGE
 */
export function checkResized(
  { width, height }: NativePicture,
  resize: number,
  maxPixels: number,
  argument: string,
): void {
  const longer = Math.floor((resize * Math.max(width, height)) / Math.min(width, height));
  if (longer * resize <= maxPixels) return;
  throw new ResNetError(
    'ERR_IMAGE',
    `${argument} must have at most ${maxPixels} pixels when resized, but ${width} x ${height} ` +
      `would become ${resize} x ${longer}.`,
  );
}

function checkRatio(ratio: unknown): number {
  if (typeof ratio === 'number' && ratio > 0 && ratio <= 1) return ratio;
  throw badArgument('preprocess.cropRatio', 'a number above 0 and at most 1', ratio);
}
