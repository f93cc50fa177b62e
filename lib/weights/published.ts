import { SUPPORTED_LAYERS, unsupportedLayers, type Layers } from '../depths';
import { badArgument } from '../errors';
import table from './published.json';

/** The names of weights that torchvision publishes; `DEFAULT` is the newest of a depth. */
export const WEIGHTS_NAMES = ['IMAGENET1K_V1', 'IMAGENET1K_V2', 'DEFAULT'] as const;

/** One of torchvision's names. A file of such a name is written `./DEFAULT`. @useDeclaredType */
export type WeightsName = (typeof WEIGHTS_NAMES)[number];

/** What torchvision publishes about weights, and how their pictures were prepared. */
export interface PublishedWeights {
  name: Exclude<WeightsName, 'DEFAULT'>;
  layers: Layers;
  /** Where the file is; its last part is the file's name. */
  url: string;
  /**
   * The file's SHA-256 in hex digits: the whole of it, as many have taken it of the file, or, of ResNet-152's
   * IMAGENET1K_V2, the eight that torchvision's name carries.
   */
  sha256: string;
  /** The file's size in MiB, to three places. */
  mebibytes: number;
  /** Of the picture's shorter side, in pixels. */
  resize: number;
  /** Side of the square that the network sees, in pixels. */
  crop: number;
  interpolation: 'bilinear';
  /** The classes are ImageNet's 1,000. */
  labels: 'imagenet';
  /** On ImageNet's validation set, in per cent, as torchvision measured it. */
  accuracy: { top1: number; top5: number };
}

/** Whether `weights` is one of torchvision's names, instead of a path. */
export function isWeightsName(weights: unknown): weights is WeightsName {
  return WEIGHTS_NAMES.includes(weights as WeightsName);
}

/**
 * What is published under a name for a depth.
 *
 * @param layers - needed: the names say nothing of it
 * @throws ERR_UNSUPPORTED_LAYERS; ERR_ARGUMENT for a depth that is missing, or a name that the depth does not have
 */
export function publishedWeights(name: WeightsName, layers: Layers | undefined): PublishedWeights {
  if (layers === undefined) throw badArgument('layers', `${SUPPORTED_LAYERS.join(', ')} with weights ${name}`, layers);
  if (!SUPPORTED_LAYERS.includes(layers)) throw unsupportedLayers(layers);
  const published = table.filter((row) => row.layers === layers);
  const row = name === 'DEFAULT' ? published.at(-1) : published.find((row) => row.name === name);
  if (row === undefined) {
    const names = published.map((row) => `'${row.name}'`).join(', ');
    throw badArgument('weights', `${names} or 'DEFAULT' for ResNet-${layers}`, name);
  }
  const { url, sha256, fileSizeMB, resize, crop, top1, top5 } = row;
  return {
    name: row.name as PublishedWeights['name'],
    layers,
    url,
    sha256,
    mebibytes: fileSizeMB,
    resize,
    crop,
    interpolation: 'bilinear',
    labels: 'imagenet',
    accuracy: { top1, top5 },
  };
}
