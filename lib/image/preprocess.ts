import type { NativePicture } from '../addon';
import { checkChoice, checkInteger, checkNormalization, checkOptionsObject } from '../check';
import { badArgument, ResNetError } from '../errors';
import { PRESETS, type PreprocessPreset } from './presets';

/** How a picture becomes a network's input. What is not given comes from the preset. */
export interface Preprocess {
  /**
   * Where to begin. Default: what the files beside the weights tell, else 'imagenet-v1', resize 256, crop 224,
   * bilinear, with ImageNet's mean and std.
   */
  preset?: PreprocessPreset | undefined;
  /** Length of the shorter side after resizing (antialiased), in pixels, at most 16384. */
  resize?: number | undefined;
  /** Instead of `resize`, as timm has it: what `crop` is of the shorter side, above 0 and at most 1. */
  cropRatio?: number | undefined;
  /** Side of the square cut out of the center, in pixels, at most 4096. */
  crop?: number | undefined;
  /** How to resize. 'bicubic' is Pillow's, which is PyTorch's antialiased one (a = -0.5). */
  interpolation?: 'bilinear' | 'bicubic' | undefined;
  /** Subtracted per channel (red, green, blue) from values in [0, 1]. ImageNet's: [0.485, 0.456, 0.406]. */
  mean?: readonly number[] | undefined;
  /** Divides per channel afterward. ImageNet's: [0.229, 0.224, 0.225]. */
  std?: readonly number[] | undefined;
}

/** {@link Preprocess} with everything filled in. */
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
const LONGEST_SIDE = 2 ** 14;
/** The network runs on a crop: this one is a gigabyte after its first layer. */
const LONGEST_CROP = 2 ** 12;

/**
 * `preprocess`, or the preset of that name, with everything filled in.
 *
 * @param defaults - what goes before 'imagenet-v1' where no preset is named: what a weight file's source tells
 * @throws ERR_ARGUMENT
 */
export function checkPreprocess(
  preprocess: Preprocess | PreprocessPreset = {},
  defaults: Preprocess = {},
): ResolvedPreprocess {
  const given = typeof preprocess === 'string' ? { preset: preprocess } : preprocess;
  checkOptionsObject(given, KEYS, 'preprocess');
  const { preset } = given;
  checkChoice('preprocess.preset', preset, [...Object.keys(PRESETS), undefined]);
  if (given.resize !== undefined && given.cropRatio !== undefined) {
    throw new ResNetError('ERR_ARGUMENT', 'preprocess must have resize or cropRatio, but got both.');
  }

  // The last one that has a say.
  const layers: Preprocess[] = [PRESETS[preset ?? 'imagenet-v1'], preset === undefined ? defaults : {}, given];
  const last = <K extends keyof Preprocess>(key: K): Preprocess[K] =>
    layers.findLast((layer) => layer[key] !== undefined)?.[key];
  const sized = layers.findLast(({ resize, cropRatio }) => (resize ?? cropRatio) !== undefined);

  const crop = last('crop');
  checkInteger('preprocess.crop', crop, 1, LONGEST_CROP);
  const resize = sized?.resize ?? Math.floor(crop / checkRatio(sized?.cropRatio)); // rounded as by timm
  checkInteger('preprocess.resize', resize, 1, LONGEST_SIDE);
  const interpolation = last('interpolation');
  checkChoice('preprocess.interpolation', interpolation, ['bilinear', 'bicubic'] as const);
  const normalization = checkNormalization(last('mean'), last('std'), 'preprocess.');
  return Object.freeze({ resize, crop, interpolation, ...normalization });
}

/**
 * A picture of one pixel's height has few pixels, and a great many once its shorter side is resized: those are
 * limited as well.
 *
 * @throws ERR_IMAGE
 */
export function checkResized({ width, height }: NativePicture, resize: number, most: number, argument: string): void {
  const longer = Math.floor((resize * Math.max(width, height)) / Math.min(width, height));
  if (longer * resize <= most) return;
  throw new ResNetError(
    'ERR_IMAGE',
    `${argument} must have at most ${most} pixels when resized, but ${width} x ${height} ` +
      `would become ${resize} x ${longer}.`,
  );
}

function checkRatio(ratio: unknown): number {
  if (typeof ratio === 'number' && ratio > 0 && ratio <= 1) return ratio;
  throw badArgument('preprocess.cropRatio', 'a number above 0 and at most 1', ratio);
}
