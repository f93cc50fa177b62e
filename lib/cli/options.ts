import { InvalidArgumentError } from 'commander';
import { SUPPORTED_LAYERS, unsupportedLayers, type Layers } from '../depths';

/** The help of --prefix, in every command that takes weights. */
export const PREFIX_ABOUT =
  "of a weight file that holds several networks: what the one's names begin with; default: whatever leaves a ResNet";

/** The depth of a network. */
export function parseLayers(text: string): Layers {
  const layers = SUPPORTED_LAYERS.find((supported) => String(supported) === text);
  if (layers !== undefined) return layers;
  throw unsupportedLayers(text);
}

/** A positive integer. */
export function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a positive integer.');
}

/** A number above 0 and at most 1. */
export function parseRatio(text: string): number {
  const ratio = Number(text);
  if (/^[\d.]+$/.test(text) && ratio > 0 && ratio <= 1) return ratio;
  throw new InvalidArgumentError('It must be a number above 0 and at most 1.');
}
