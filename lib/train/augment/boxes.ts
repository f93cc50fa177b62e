import type { NativeBox } from '../../native/addon';
import type { Range } from './options';
import type { Philox } from './philox';

const MAX_ATTEMPTS = 10;

/** Lengths that are drawn: an area as a share of `area`, and a ratio whose logarithm is uniform. */
function drawSides(random: Philox, area: number, scale: Range, ratio: Range): { along: number; across: number } {
  const target = area * random.uniform(...scale);
  const aspect = Math.exp(random.uniform(Math.log(ratio[0]), Math.log(ratio[1])));
  return { along: Math.round(Math.sqrt(target * aspect)), across: Math.round(Math.sqrt(target / aspect)) };
}

/** torchvision's RandomResizedCrop: a random box, or after ten that do not fit the largest of an allowed ratio. */
export function randomResizedBox(random: Philox, width: number, height: number, scale: Range, ratio: Range): NativeBox {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { along: boxWidth, across: boxHeight } = drawSides(random, width * height, scale, ratio);
    if (boxWidth < 1 || boxHeight < 1 || boxWidth > width || boxHeight > height) continue;
    const top = random.integer(height - boxHeight + 1);
    return [top, random.integer(width - boxWidth + 1), boxHeight, boxWidth];
  }
  const allowed = Math.min(Math.max(width / height, ratio[0]), ratio[1]);
  const boxWidth = Math.min(width, Math.max(1, Math.round(height * allowed)));
  const boxHeight = Math.min(height, Math.max(1, Math.round(width / allowed)));
  return [Math.floor((height - boxHeight) / 2), Math.floor((width - boxWidth) / 2), boxHeight, boxWidth];
}

/** The square in the middle whose side is this share of the shorter side. */
export function centerBox(width: number, height: number, share: number): NativeBox {
  const shorter = Math.min(width, height);
  const side = Math.max(1, Math.round(shorter * Math.min(share, 1)));
  return [Math.round((height - side) / 2), Math.round((width - side) / 2), side, side];
}

/** torchvision's RandomErasing in a square image; undefined if ten boxes do not fit, or the box is empty. */
export function erasingBox(random: Philox, size: number, scale: Range, ratio: Range): NativeBox | undefined {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { along: height, across: width } = drawSides(random, size ** 2, scale, ratio);
    if (height >= size || width >= size) continue;
    const top = random.integer(size - height + 1);
    const left = random.integer(size - width + 1);
    return height === 0 || width === 0 ? undefined : [top, left, height, width];
  }
  return undefined;
}

/** torchvision's CutMix in a square image: a box of the area 1 - lambda around a random pixel, cut off at the border. */
export function cutmixBox(random: Philox, size: number, lambda: number): NativeBox {
  const half = Math.trunc(0.5 * Math.sqrt(1 - lambda) * size);
  const [x, y] = [random.integer(size), random.integer(size)];
  const [left, top] = [Math.max(0, x - half), Math.max(0, y - half)];
  return [top, left, Math.min(size, y + half) - top, Math.min(size, x + half) - left];
}
