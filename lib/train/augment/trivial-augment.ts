import type { NativeTrivialOperation } from '../../native/addon';
import type { Philox } from './philox';

const BINS = 31;

/** The magnitudes of an operation, and whether half of them are negative. */
export interface Magnitudes {
  readonly bins: readonly number[] | null;
  readonly signed: boolean;
}

/** torch.linspace in float32. */
function linspace(start: number, end: number): number[] {
  const step = Math.fround((end - start) / (BINS - 1));
  return Array.from({ length: BINS }, (_, i) =>
    Math.fround(i < BINS >> 1 ? start + step * i : end - step * (BINS - 1 - i)),
  );
}

const NONE: Magnitudes = { bins: null, signed: false };
const signed = (max: number): Magnitudes => ({ bins: linspace(0, Math.fround(max)), signed: true });

/** torchvision's TrivialAugmentWide: Müller and Hutter, "TrivialAugment", arXiv:2103.10158. */
export const AUGMENTATION_SPACE: Readonly<Record<NativeTrivialOperation, Magnitudes>> = {
  identity: NONE,
  shearX: signed(0.99),
  shearY: signed(0.99),
  translateX: signed(32),
  translateY: signed(32),
  rotate: signed(135),
  brightness: signed(0.99),
  color: signed(0.99),
  contrast: signed(0.99),
  sharpness: signed(0.99),
  posterize: { bins: Array.from({ length: BINS }, (_, i) => 8 - Math.round(i / 5)), signed: false },
  solarize: { bins: linspace(1, 0), signed: false },
  autoContrast: NONE,
  equalize: NONE,
};

const OPERATIONS = Object.keys(AUGMENTATION_SPACE) as NativeTrivialOperation[];

/** A random operation with a random magnitude. */
export function drawTrivial(random: Philox): { operation: NativeTrivialOperation; magnitude: number } {
  const operation = OPERATIONS[random.integer(OPERATIONS.length)] as NativeTrivialOperation;
  const { bins, signed } = AUGMENTATION_SPACE[operation];
  if (bins === null) return { operation, magnitude: 0 };
  const magnitude = bins[random.integer(BINS)] as number;
  return { operation, magnitude: signed && random.chance(0.5) ? -magnitude : magnitude };
}
