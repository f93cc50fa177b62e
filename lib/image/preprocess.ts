import type { NativePicture, NativePreprocess } from '../addon';
import { checkInteger } from '../check';
import { badArgument, ResNetError } from '../errors';

/** How a picture becomes a network's input: torchvision's evaluation preset. */
export interface Preprocess {
  /** Length of the shorter side after resizing (antialiased, bilinear), in pixels. Default: 256. */
  resize?: number | undefined;
  /** Side of the square cut out of the centre, in pixels. Default: 224. */
  crop?: number | undefined;
  /** Subtracted per channel (red, green, blue) from values in [0, 1]. Default: ImageNet's, [0.485, 0.456, 0.406]. */
  mean?: readonly number[] | undefined;
  /** Divides per channel afterwards. Default: ImageNet's, [0.229, 0.224, 0.225]. */
  std?: readonly number[] | undefined;
}

const LONGEST_SIDE = 2 ** 14;

/** `preprocess` with its defaults filled in, `published` ones first. @throws ERR_ARGUMENT */
export function checkPreprocess(
  preprocess: Preprocess = {},
  published: { resize: number; crop: number } = { resize: 256, crop: 224 },
): NativePreprocess {
  if (typeof preprocess !== 'object' || preprocess === null) {
    throw badArgument('preprocess', 'an object of resize, crop, mean and std', preprocess);
  }
  const { resize = published.resize, crop = published.crop } = preprocess;
  const { mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225] } = preprocess;
  checkInteger('preprocess.resize', resize, 1, LONGEST_SIDE);
  checkInteger('preprocess.crop', crop, 1, LONGEST_SIDE);
  checkChannels('preprocess.mean', 'three finite numbers', mean, Number.isFinite);
  checkChannels('preprocess.std', 'three positive numbers', std, (value) => Number.isFinite(value) && value > 0);
  return { resize, crop, mean: [...mean], std: [...std] };
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

function checkChannels(
  argument: string,
  expected: string,
  values: readonly number[],
  fits: (value: number) => boolean,
): void {
  if (!Array.isArray(values) || values.length !== 3 || !(values as number[]).every((value) => fits(value))) {
    throw badArgument(argument, expected, values);
  }
}
