import { checkInteger, checkOptionsObject, checkRange } from '../../check';
import { badArgument } from '../../errors';

/**
 * How the images of a batch are mixed, each with the one before it (`roll(1, 0)`), after they are normalized:
 * torchvision's MixUp (arXiv:1710.09412) or, with a box, CutMix (arXiv:1905.04899).
 */
export interface Mix {
  /** The share of each image's own class in its target, from 0 to 1. */
  lambda: number;
  /** The part of an image that comes from the other one, in pixels. Without it, all of both is blended by `lambda`. */
  box?: readonly [top: number, left: number, height: number, width: number] | undefined;
}

/** @throws ERR_ARGUMENT */
export function checkMix(mix: Mix): void {
  checkOptionsObject(mix, ['lambda', 'box'], 'mix');
  checkRange('mix.lambda', mix.lambda, 0, 1);
  const { box } = mix;
  if (box === undefined) return;
  if (!Array.isArray(box) || box.length !== 4) throw badArgument('mix.box', '[top, left, height, width]', box);
  for (const [i, value] of box.entries()) checkInteger('mix.box', value, i < 2 ? 0 : 1, 2 ** 20);
}
