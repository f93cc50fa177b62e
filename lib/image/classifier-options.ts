import { checkChoice, checkInteger, checkOptionsObject } from '../check';
import type { Layers } from '../depths';
import type { Device } from '../devices';
import { badArgument } from '../errors';
import { checkOptimize, type OptimizedDType } from '../optimized';
import type { ResNetLoadOptions } from '../resnet';
import { parseWeights } from '../weights/parse-weights';
import type { Activation } from '../weights/source/activation';
import { publishedWeights, type WeightsName } from '../weights/published/catalog';
import { MAX_PIXELS } from './decode';
import type { Image } from './image';
import { checkPreprocess, type Preprocess } from './preprocess';
import type { PreprocessPreset } from './presets';

/** Options of {@link ImageClassifier.create}. */
export interface ImageClassifierOptions {
  /**
   * The path of a weight file; or 'IMAGENET1K_V1', 'IMAGENET1K_V2' or 'DEFAULT' for torchvision's weights, as
   * `ResNet.load()` fetches them, with the preprocessing that belongs to them; or 'random' or 'random:SEED' for an
   * untrained network, for trials. For a local file of such a name, write './random'.
   */
  weights: WeightsName | (string & {});
  /** Required with torchvision's names. Default: from the weight file; 50 for random weights. */
  layers?: Layers | undefined;
  /** As of `ResNet.load()`. */
  prefix?: ResNetLoadOptions['prefix'];
  /**
   * Default: from the weight file; for random weights the number of labels, or 1000 without labels. Of a file without a
   * head: gives it an untrained one, the same each time.
   */
  numClasses?: number | undefined;
  /** Default: 'cpu'. */
  device?: Exclude<Device, 'meta'> | undefined;
  /** As of `ResNet.optimize()`. Default: 'float32'. */
  dtype?: OptimizedDType | undefined;
  /**
   * Names of the classes, or the path of a file of them. Default: those in `config.json` beside the weights (Hugging
   * Face's or timm's), else ImageNet's for 1000 classes, else `class 0`, …
   */
  labels?: readonly string[] | string | undefined;
  /**
   * How logits become scores: 'softmax', where the scores of all classes sum to 1, or 'sigmoid', each class on its own,
   * for several labels in one picture. Default: by `problem_type` in `config.json` beside the weights; without it
   * 'softmax', or 'sigmoid' for a single class.
   */
  activation?: Activation | undefined;
  /**
   * The name of a preset, or settings that override one. Default: that of torchvision's weights, or that in the files
   * beside the weights (Hugging Face's or timm's), else 'imagenet-v1', torchvision's evaluation preset.
   */
  preprocess?: Preprocess | PreprocessPreset | undefined;
  /** Maximum number of cores for one call. Default: all that the process may use; concurrent calls share them. */
  threads?: number | undefined;
  /** How many calls can run at the same time, at least; applies to the whole process. Default: 1. */
  streams?: number | undefined;
  /**
   * Required for int8, and only allowed there: the path of a saved calibration
   * ({@link ImageClassifier.saveCalibration}), or a few dozen pictures like those that will be classified.
   */
  calibration?: string | readonly Image[] | undefined;
  /** Larger pictures are refused. Default: 100 million pixels. */
  maxPixels?: number | undefined;
  /** As of `ResNet.load()`. Default: nothing is reported, and values are not checked. */
  onWarning?: ResNetLoadOptions['onWarning'];
  /** For torchvision's names: called as bytes arrive. */
  onProgress?: ResNetLoadOptions['onProgress'];
  /** For torchvision's names: ends the download. */
  signal?: AbortSignal | undefined;
}

/** An internal option: the network needs no head, because only its features are used. @internal */
export const HEADLESS = Symbol('headless');

/** @internal */
export type InternalClassifierOptions = ImageClassifierOptions & { [HEADLESS]?: boolean };

/** A `Record`, so that the compiler reports an option that is missing here. */
const OPTIONS: Record<keyof ImageClassifierOptions, true> = {
  weights: true,
  prefix: true,
  layers: true,
  numClasses: true,
  device: true,
  dtype: true,
  labels: true,
  activation: true,
  preprocess: true,
  threads: true,
  streams: true,
  calibration: true,
  maxPixels: true,
  signal: true,
  onProgress: true,
  onWarning: true,
};

/** Checks what can be checked before anything is loaded; {@link ResNet.optimize} checks the rest. */
export function checkClassifierOptions(options: ImageClassifierOptions): { maxPixels: number } {
  checkOptionsObject(options, Object.keys(OPTIONS));
  const { layers, dtype = 'float32', calibration, device, maxPixels = MAX_PIXELS } = options;
  const weights = parseWeights(options.weights);
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
  if (options.prefix !== undefined && typeof options.prefix !== 'string') {
    throw badArgument('prefix', 'a string', options.prefix);
  }
  if (options.onWarning !== undefined && typeof options.onWarning !== 'function') {
    throw badArgument('onWarning', 'a function', options.onWarning);
  }
  checkChoice('activation', options.activation, ['softmax', 'sigmoid', undefined]);
  checkPreprocess(options.preprocess);
  if (weights.kind === 'published') publishedWeights(weights.name, layers); // not every depth has every name
  return { maxPixels };
}
