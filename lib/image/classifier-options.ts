import { checkInteger, checkOptionsObject } from '../check';
import type { Layers } from '../depths';
import { badArgument, ResNetError, show } from '../errors';
import type { Device } from '../module';
import { checkOptimize, type OptimizedDType } from '../optimized';
import { ResNet, type ResNetLoadOptions } from '../resnet';
import { isWeightsName, publishedWeights, type WeightsName } from '../weights/published/catalog';
import type { WeightSource } from '../weights/source/read-source';
import { MAX_PIXELS, type Image } from './decode';
import { readLabels, readNames } from './labels';
import { checkPreprocess, type Preprocess, type ResolvedPreprocess } from './preprocess';
import type { PreprocessPreset } from './presets';
import { sourceOfNetwork } from './source';

/** Options of {@link ImageClassifier.create}. */
export interface ImageClassifierOptions {
  /**
   * The path of a weight file; or 'IMAGENET1K_V1', 'IMAGENET1K_V2' or 'DEFAULT' for torchvision's weights, as
   * {@link ResNet.load} fetches them, with the preprocessing that belongs to them; or 'random' or 'random:SEED' for an
   * untrained network, for trials. A file of such a name is './random'.
   */
  weights: WeightsName | (string & {});
  /** Needed with torchvision's names. Default: what the weight file tells; 50 for random weights. */
  layers?: Layers | undefined;
  /** Default: what the weight file tells; for random weights one for each label, 1000 without labels. */
  numClasses?: number | undefined;
  /** Default: 'cpu'. */
  device?: Exclude<Device, 'meta'> | undefined;
  /** As of {@link ResNet.optimize}. Default: 'float32'. */
  dtype?: OptimizedDType | undefined;
  /**
   * Names of the classes, or the path of a file of them. Default: those that `config.json` beside the weights tells
   * (Hugging Face's or timm's), else ImageNet's for 1000 classes, else `class 0`, …
   */
  labels?: readonly string[] | string | undefined;
  /**
   * A preset's name, or what differs from one. Default: what belongs to torchvision's weights, or what the files beside
   * the weights tell (Hugging Face's or timm's), else 'imagenet-v1', torchvision's evaluation preset.
   */
  preprocess?: Preprocess | PreprocessPreset | undefined;
  /** Cores that one classify uses at most. Default: all that the process has; several at the same time share them. */
  threads?: number | undefined;
  /** How many classifies may run at the same time, at least; for the whole process. Default: 1. */
  streams?: number | undefined;
  /**
   * For int8 alone, and needed there: the path of a saved calibration ({@link ImageClassifier.saveCalibration}), or
   * pictures like those to come, some dozens.
   */
  calibration?: string | readonly Image[] | undefined;
  /** The most pixels that a picture may claim. Default: 100 million. */
  maxPixels?: number | undefined;
  /** For torchvision's names: called as bytes arrive. */
  onProgress?: ResNetLoadOptions['onProgress'];
  /** For torchvision's names: ends the download. */
  signal?: AbortSignal | undefined;
}

/** `Record`, so that an option that is added above cannot be forgotten here. */
const OPTIONS: Record<keyof ImageClassifierOptions, true> = {
  weights: true,
  layers: true,
  numClasses: true,
  device: true,
  dtype: true,
  labels: true,
  preprocess: true,
  threads: true,
  streams: true,
  calibration: true,
  maxPixels: true,
  signal: true,
  onProgress: true,
};

/** Checks what can be checked before anything is loaded; what optimizing takes is checked there. */
export function checkCreate(options: ImageClassifierOptions): { maxPixels: number } {
  checkOptionsObject(options, Object.keys(OPTIONS));
  const { weights, dtype = 'float32', calibration, device, maxPixels = MAX_PIXELS } = options;
  if (typeof weights !== 'string' || weights === '') {
    throw badArgument(
      'weights',
      "the path of a weight file, a name of torchvision's, 'random' or 'random:SEED'",
      weights,
    );
  }
  if ((device as string | undefined) === 'meta') {
    throw badArgument('device', "'cpu', 'cuda' or 'cuda:N'", device, 'ERR_DEVICE');
  }
  const calibrated = typeof calibration === 'string' || (Array.isArray(calibration) && calibration.length > 0);
  if (dtype === 'int8' && !calibrated) {
    throw badArgument('calibration', 'the path of a saved calibration, or a list of pictures, for int8', calibration);
  }
  const { threads, streams } = options;
  checkOptimize({ dtype, threads, streams, calibration: calibration === undefined ? undefined : '' });
  checkInteger('maxPixels', maxPixels, 1, Number.MAX_SAFE_INTEGER);
  checkPreprocess(options.preprocess);
  if (isWeightsName(weights)) publishedWeights(weights, options.layers); // a name and a depth that go together
  return { maxPixels };
}

/**
 * Loads weights, and what goes with them.
 *
 * @param options - checked by {@link checkCreate}
 */
export async function load(
  options: ImageClassifierOptions,
): Promise<{ network: ResNet; preprocess: ResolvedPreprocess; labels: readonly string[] }> {
  const network = await makeNetwork(options);
  try {
    const source = await sourceOfWeights(options.weights, network);
    const preprocess = preprocessOf(source, options.preprocess);
    const labels = await readLabels(options.labels ?? source.labels, network.numClasses);
    return { network, preprocess, labels };
  } catch (error) {
    network.dispose();
    throw error;
  }
}

/** What is known of the weights beside their values. */
async function sourceOfWeights(weights: string, network: ResNet): Promise<Partial<WeightSource>> {
  if (isRandom(weights)) return {};
  if (!isWeightsName(weights)) return await sourceOfNetwork(weights, network);
  const { resize, crop, interpolation } = publishedWeights(weights, network.layers);
  return { preprocess: { resize, crop, interpolation } };
}

/** What was asked for, before what the source tells; not tacitly another than a source that cannot be followed. */
function preprocessOf(
  source: Partial<WeightSource>,
  preprocess: ImageClassifierOptions['preprocess'],
): ResolvedPreprocess {
  const asked = typeof preprocess === 'string' || Object.values(preprocess ?? {}).some((value) => value !== undefined);
  if (source.unsupportedPreprocess !== undefined && !asked) {
    const reason = source.unsupportedPreprocess;
    throw new ResNetError(
      'ERR_ARGUMENT',
      `preprocess must be given, because that of the weights is not supported: ${reason}.`,
    );
  }
  return checkPreprocess(preprocess, source.preprocess);
}

/** Whether `weights` asks for an untrained network, instead of naming a file. */
export function isRandom(weights: string): boolean {
  return weights === 'random' || weights.startsWith('random:');
}

/** The seed of 'random:SEED'; null for 'random'; undefined for a path. */
function seedOf(weights: string): number | null | undefined {
  if (!isRandom(weights)) return undefined;
  if (weights === 'random') return null;
  const digits = weights.slice('random:'.length);
  const seed = Number(digits);
  if (!/^\d+$/.test(digits) || !Number.isSafeInteger(seed)) {
    throw new ResNetError(
      'ERR_ARGUMENT',
      `weights must be 'random:SEED' with an integer from 0 to 2^53 - 1, but got ${show(weights)}.`,
    );
  }
  return seed;
}

async function makeNetwork(options: ImageClassifierOptions): Promise<ResNet> {
  const { weights, layers, numClasses, device, labels, onProgress, signal } = options;
  const seed = seedOf(weights);
  if (seed === undefined) return await ResNet.load(weights, { layers, numClasses, device, onProgress, signal });
  const classes = numClasses ?? (labels === undefined ? 1000 : (await readNames(labels)).length);
  return new ResNet(layers ?? 50, classes, { device, seed: seed ?? undefined });
}
