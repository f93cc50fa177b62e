import { checkBoolean, checkChoice, checkInteger, checkOptionsObject, checkRange } from '../../check';
import { badArgument } from '../../errors';
import { IMAGENET_NORM } from '../../normalization';

/** How training pictures are varied, with torchvision's distributions. */
export interface AugmentOptions {
  /**
   * 'random-resized' (default): a random part of the picture, resized to a square (RandomResizedCrop). 'center': the
   * square in the middle.
   */
  crop?: 'random-resized' | 'center' | undefined;
  /** The area of a random crop, as a share of the picture's. Default: [0.08, 1] */
  scale?: readonly [min: number, max: number] | undefined;
  /** The ratio of a random crop's width to its height. Default: [3 / 4, 4 / 3] */
  ratio?: readonly [min: number, max: number] | undefined;
  /** How to resize, antialiased either way. Default: 'bilinear' */
  interpolation?: 'bilinear' | 'bicubic' | undefined;
  /** The probability of exchanging left and right. Default: 0.5 */
  flip?: number | undefined;
  /** Default: none. */
  colorJitter?: ColorJitterOptions | undefined;
  /** One random operation of TrivialAugmentWide, from black borders to posterizing. Default: false */
  trivialAugment?: boolean | undefined;
  /** A box that is filled with one color (RandomErasing): its probability, or all options. Default: 0 */
  erasing?: number | ErasingOptions | undefined;
  /** Blends each image with another of its batch: the alpha of the Beta distribution. Default: none */
  mixup?: number | undefined;
  /**
   * Puts a box of another image of the batch into each: the alpha of the Beta distribution. With `mixup`, each batch
   * gets one of the two. Default: none
   */
  cutmix?: number | undefined;
}

/**
 * Color changes in random order, torchvision's ColorJitter. A number x stands for factors from 1 - x (at least 0) to
 * 1 + x; for the hue, for -x to x turns, at most 0.5.
 */
export interface ColorJitterOptions {
  brightness?: number | readonly [min: number, max: number] | undefined;
  contrast?: number | readonly [min: number, max: number] | undefined;
  saturation?: number | readonly [min: number, max: number] | undefined;
  hue?: number | readonly [min: number, max: number] | undefined;
}

/** A box of each picture that is filled with the mean color: torchvision's `RandomErasing`. */
export interface ErasingOptions {
  /** Default: 0.5 */
  probability?: number | undefined;
  /** The area of the box, as a share of the image's. Default: [0.02, 0.33] */
  scale?: readonly [min: number, max: number] | undefined;
  /** The ratio of the box's height to its width. Default: [0.3, 3.3] */
  ratio?: readonly [min: number, max: number] | undefined;
  /** Red, green and blue, from 0 to 255. Default: ImageNet's mean, which becomes 0 when it is normalized. */
  color?: readonly number[] | undefined;
}

/** From the first to the second number. */
export type Range = readonly [min: number, max: number];

export type ColorProperty = 'brightness' | 'contrast' | 'saturation' | 'hue';

/** {@link AugmentOptions}, checked and complete, as plain JSON. */
export interface ResolvedAugmentOptions {
  readonly crop: 'random-resized' | 'center';
  readonly scale: Range;
  readonly ratio: Range;
  readonly interpolation: 'bilinear' | 'bicubic';
  readonly flip: number;
  /** Without what changes nothing. */
  readonly colorJitter: Readonly<Partial<Record<ColorProperty, Range>>>;
  readonly trivialAugment: boolean;
  readonly erasing: {
    readonly probability: number;
    readonly scale: Range;
    readonly ratio: Range;
    readonly color: readonly [red: number, green: number, blue: number];
  };
  readonly mixup?: number;
  readonly cutmix?: number;
}

const OPTIONS = [
  'crop',
  'scale',
  'ratio',
  'interpolation',
  'flip',
  'colorJitter',
  'trivialAugment',
  'erasing',
  'mixup',
  'cutmix',
];
const PROPERTIES: readonly ColorProperty[] = ['brightness', 'contrast', 'saturation', 'hue'];
const MAX_FACTOR = 1000;
const MAX_RATIO = 1000;
const MAX_ALPHA = 1000;

/** @throws ERR_ARGUMENT, naming the option */
export function resolveAugmentOptions(options: AugmentOptions = {}): ResolvedAugmentOptions {
  checkOptionsObject(options, OPTIONS, 'augment');
  const { crop = 'random-resized', scale = [0.08, 1], ratio = [3 / 4, 4 / 3], interpolation = 'bilinear' } = options;
  const { flip = 0.5, trivialAugment = false, mixup, cutmix } = options;
  checkChoice('augment.crop', crop, ['random-resized', 'center']);
  for (const name of ['scale', 'ratio'] as const) {
    if (crop === 'random-resized' || options[name] === undefined) continue;
    throw badArgument(`augment.${name}`, "left out unless crop is 'random-resized'", options[name]);
  }
  checkChoice('augment.interpolation', interpolation, ['bilinear', 'bicubic']);
  checkRange('augment.flip', flip, 0, 1);
  checkBoolean('augment.trivialAugment', trivialAugment);
  return {
    crop,
    scale: checkPair('augment.scale', scale, Number.MIN_VALUE, 1),
    ratio: checkPair('augment.ratio', ratio, 1 / MAX_RATIO, MAX_RATIO),
    interpolation,
    flip,
    colorJitter: resolveColorJitter(options.colorJitter),
    trivialAugment,
    erasing: resolveErasing(options.erasing),
    ...(mixup === undefined ? {} : { mixup: checkAlpha('augment.mixup', mixup) }),
    ...(cutmix === undefined ? {} : { cutmix: checkAlpha('augment.cutmix', cutmix) }),
  };
}

function resolveColorJitter(options: ColorJitterOptions = {}): ResolvedAugmentOptions['colorJitter'] {
  checkOptionsObject(options, PROPERTIES, 'augment.colorJitter');
  const ranges: Partial<Record<ColorProperty, Range>> = {};
  for (const property of PROPERTIES) {
    const value = options[property];
    if (value === undefined) continue;
    const argument = `augment.colorJitter.${property}`;
    const [neutral, min, max] = property === 'hue' ? [0, -0.5, 0.5] : [1, 0, MAX_FACTOR];
    if (typeof value === 'number') checkRange(argument, value, 0, max - neutral);
    const range = typeof value === 'number' ? [Math.max(min, neutral - value), neutral + value] : value;
    const [first, last] = checkPair(argument, range, min, max);
    if (first !== neutral || last !== neutral) ranges[property] = [first, last];
  }
  return ranges;
}

function resolveErasing(options: number | ErasingOptions = 0): ResolvedAugmentOptions['erasing'] {
  if (typeof options === 'number') checkRange('augment.erasing', options, 0, 1);
  const object = typeof options === 'number' ? { probability: options } : options;
  checkOptionsObject(object, ['probability', 'scale', 'ratio', 'color'], 'augment.erasing');
  const { probability = 0.5, scale = [0.02, 0.33], ratio = [0.3, 3.3] } = object;
  const { color = IMAGENET_NORM.mean.map((value) => Math.round(255 * value)) } = object;
  checkRange('augment.erasing.probability', probability, 0, 1);
  if (!Array.isArray(color) || color.length !== 3) throw badArgument('augment.erasing.color', 'three integers', color);
  const [red, green, blue] = color as [number, number, number];
  for (const value of [red, green, blue]) checkInteger('augment.erasing.color', value, 0, 255);
  return {
    probability,
    scale: checkPair('augment.erasing.scale', scale, 0, 1),
    ratio: checkPair('augment.erasing.ratio', ratio, 1 / MAX_RATIO, MAX_RATIO),
    color: [red, green, blue],
  };
}

function checkPair(argument: string, value: unknown, min: number, max: number): Range {
  const [first, last] = Array.isArray(value) && value.length === 2 ? (value as unknown[]) : [];
  if (typeof first === 'number' && typeof last === 'number' && min <= first && first <= last && last <= max) {
    return [first, last];
  }
  const lowest = min === Number.MIN_VALUE ? 'above 0' : `from ${min}`;
  throw badArgument(argument, `two numbers ${lowest} to ${max}, the lesser first`, value);
}

function checkAlpha(argument: string, alpha: unknown): number {
  if (typeof alpha === 'number' && alpha > 0 && alpha <= MAX_ALPHA) return alpha;
  throw badArgument(argument, `a number above 0 and at most ${MAX_ALPHA}`, alpha);
}
