import type { NativeAugmentPlan } from '../../native/addon';
import { centerBox, cutmixBox, erasingBox, randomResizedBox } from './boxes';
import type { Mix } from './mix';
import type { ColorProperty, ResolvedAugmentOptions } from './options';
import { Philox } from './philox';
import { drawTrivial } from './trivial-augment';

/** What draws from its own numbers, so that one option does not change the numbers of another. */
const STREAMS = { crop: 0, flip: 1, colorJitter: 2, trivialAugment: 3, erasing: 4, mix: 5 };

/** The picture that a plan is for. */
export interface PlannedPicture {
  /** Of the run, from 0 to 2^53 - 1. */
  seed: number;
  epoch: number;
  /** The picture's index in the data, not its place in the epoch. */
  index: number;
  width: number;
  height: number;
  /** Side of the square that comes out. */
  size: number;
  /** For `crop: 'center'`: the shorter side when the network is evaluated. Default: `size` */
  resize?: number | undefined;
}

/** What becomes of one picture in one epoch: a function of its arguments alone. */
export function planFor(options: ResolvedAugmentOptions, picture: PlannedPicture): NativeAugmentPlan {
  const { seed, epoch, index, width, height, size, resize = size } = picture;
  const random = (stream: keyof typeof STREAMS): Philox => new Philox(seed, [index, epoch, STREAMS[stream]]);
  const { erasing } = options;
  const plan: NativeAugmentPlan = {
    box:
      options.crop === 'center'
        ? centerBox(width, height, size / resize)
        : randomResizedBox(random('crop'), width, height, options.scale, options.ratio),
    size,
    interpolation: options.interpolation,
    flip: random('flip').chance(options.flip),
  };
  if (Object.keys(options.colorJitter).length > 0) {
    plan.jitter = drawJitter(random('colorJitter'), options.colorJitter);
  }
  if (options.trivialAugment) plan.trivial = drawTrivial(random('trivialAugment'));
  const eraser = random('erasing');
  const box = eraser.chance(erasing.probability) && erasingBox(eraser, size, erasing.scale, erasing.ratio);
  if (box) plan.erase = { box, value: erasing.color };
  return plan;
}

/** How one batch is mixed: a function of its arguments alone. Undefined if it is left as it is. */
export function mixPlanFor(
  { mixup, cutmix }: ResolvedAugmentOptions,
  { seed, epoch, batch, size }: { seed: number; epoch: number; batch: number; size: number },
): Mix | undefined {
  const random = new Philox(seed, [batch, epoch, STREAMS.mix]);
  const isCutmix = mixup === undefined || (cutmix !== undefined && random.chance(0.5));
  const alpha = isCutmix ? cutmix : mixup;
  if (alpha === undefined) return undefined;
  const lambda = random.beta(alpha);
  if (!isCutmix) return { lambda };
  const box = cutmixBox(random, size, lambda);
  const area = box[2] * box[3];
  return area === 0 ? undefined : { lambda: 1 - area / size ** 2, box };
}

function drawJitter(
  random: Philox,
  ranges: ResolvedAugmentOptions['colorJitter'],
): NonNullable<NativeAugmentPlan['jitter']> {
  const factors: Partial<Record<ColorProperty, number>> = {};
  const properties = Object.entries(ranges) as [ColorProperty, readonly [number, number]][];
  for (const [property, range] of properties) factors[property] = random.uniform(...range);
  return { order: random.shuffled(properties.map(([property]) => property)), ...factors };
}
