import { dirname, join } from 'node:path';
import type { Layers } from '../../depths';
import { ResNetError } from '../../errors';
import { huggingfaceConfig } from './huggingface-config';
import { huggingfacePreprocess } from './huggingface-preprocess';
import { readJsonObjectIfThere } from '../formats/json-file';
import type { Naming } from '../names/namings';
import { weightFileAt } from '../formats/shards';
import { timmConfig } from './timm-config';

/** How a picture becomes a network's input, as far as its source tells. */
export interface SourcePreprocess {
  /** Length of the shorter side after resizing, in pixels. */
  resize?: number;
  /** Side of the square cut out of the center, in pixels. */
  crop?: number;
  interpolation?: 'bilinear' | 'bicubic';
  /** Of values in [0, 1], per channel. */
  mean?: number[];
  std?: number[];
}

/** What the files beside a weight file tell of it. */
export interface WeightSource {
  /** Whose `config.json` it is. */
  from: 'huggingface' | 'timm';
  /** The depth that it describes; undefined where that is none of the article's. */
  layers: Layers | undefined;
  /** The number of classes; undefined where it does not tell. */
  numClasses: number | undefined;
  /** Names of the classes in their order; undefined where it does not tell. */
  labels: readonly string[] | undefined;
  preprocess: SourcePreprocess | undefined;
  /** What its preprocessing asks for that is not supported; undefined where all of it is in `preprocess`. */
  unsupportedPreprocess: string | undefined;
  /**
   * What makes the network another than a plain ResNet though its tensors look like one's, e.g.
   * `downsample_in_bottleneck is true`; undefined where it is plain.
   */
  unlike: string | undefined;
}

/** Preprocessing that is told, or the reason why it cannot be followed. */
export type ToldPreprocess = Pick<WeightSource, 'preprocess' | 'unsupportedPreprocess'>;

/**
 * What `config.json` beside a weight file tells of it, where that is Hugging Face's of a ResNet, or timm's. Any other
 * program's file of that name is left alone.
 *
 * @param path - as {@link openWeights} takes it
 * @throws ERR_FILE, ERR_WEIGHTS_FORMAT
 */
export async function configOf(path: string): Promise<WeightSource | undefined> {
  const config = await readJsonObjectIfThere(join(dirname(await weightFileAt(path)), 'config.json'));
  return config && (huggingfaceConfig(config) ?? timmConfig(config));
}

/** As {@link configOf}, with the preprocessing that Hugging Face writes to a file of its own. */
export async function sourceOf(path: string): Promise<WeightSource | undefined> {
  const config = await configOf(path);
  if (config?.from !== 'huggingface') return config;
  const file = join(dirname(await weightFileAt(path)), 'preprocessor_config.json');
  const fields = await readJsonObjectIfThere(file);
  return fields === undefined ? config : { ...config, ...huggingfacePreprocess(fields) };
}

/** Whose `config.json` tells of files under these names; what is named otherwise was written by neither. */
const CONFIG_OF: Partial<Record<Naming, WeightSource['from']>> = { huggingface: 'huggingface', torchvision: 'timm' };

/**
 * Refuses a network that its `config.json` says is no plain ResNet, though its tensors look like one's.
 *
 * @throws ERR_UNSUPPORTED_MODEL, ERR_FILE, ERR_WEIGHTS_FORMAT
 */
export async function checkPlain(path: string, naming: Naming, layers: Layers): Promise<void> {
  if (CONFIG_OF[naming] === undefined) return;
  const config = await configOf(path);
  if (config?.from !== CONFIG_OF[naming] || config.layers !== layers || config.unlike === undefined) return;
  throw new ResNetError(
    'ERR_UNSUPPORTED_MODEL',
    `${path} holds no plain ResNet, the only kind supported: in config.json beside it, ${config.unlike}.`,
  );
}
