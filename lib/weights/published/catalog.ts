import { checkLayers, SUPPORTED_LAYERS, type Layers } from '../../depths';
import { badArgument } from '../../errors';
import table from './catalog.json';

/** Names of weights that torchvision publishes; `DEFAULT` is the newest of a depth. */
export const WEIGHTS_NAMES = ['IMAGENET1K_V1', 'IMAGENET1K_V2', 'DEFAULT'] as const;

/** One of torchvision's names. For a local file of such a name, write `./DEFAULT`. @useDeclaredType */
export type WeightsName = (typeof WEIGHTS_NAMES)[number];

/** What torchvision publishes about weights and the preprocessing that belongs to them. */
export interface PublishedWeights {
  name: Exclude<WeightsName, 'DEFAULT'>;
  layers: Layers;
  /** Its last segment is the file's name. */
  url: string;
  /**
   * The file's SHA-256 in hexadecimal; of ResNet-152's IMAGENET1K_V2 only the first eight digits, which are part of the
   * file's name.
   */
  sha256: string;
  /** The file's size in MiB, to three places. */
  mebibytes: number;
  /** Length of the picture's shorter side after resizing, in pixels. */
  resize: number;
  /** Side of the square that the network sees, in pixels. */
  crop: number;
  interpolation: 'bilinear';
  /** The classes are ImageNet's 1,000. */
  labels: 'imagenet';
  /** On ImageNet's validation set, in percent, as torchvision measured it. */
  accuracy: { top1: number; top5: number };
}

/** Whether `weights` is one of torchvision's names rather than a path. */
export function isWeightsName(weights: unknown): weights is WeightsName {
  return WEIGHTS_NAMES.includes(weights as WeightsName);
}

/**
 * Looks up the weights of a name and a depth.
 *
 * @param layers - required, because the same names exist for several depths
 * @throws ERR_UNSUPPORTED_LAYERS; ERR_ARGUMENT if the depth is missing, or has no weights of that name
 */
export function publishedWeights(name: WeightsName, layers: Layers | undefined): PublishedWeights {
  if (layers === undefined) throw badArgument('layers', `${SUPPORTED_LAYERS.join(', ')} with weights ${name}`, layers);
  checkLayers(layers);
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
