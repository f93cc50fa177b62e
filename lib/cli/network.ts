import { Option, type Command } from 'commander';
import { SUPPORTED_LAYERS, type Layers } from '../depths';
import { ImageClassifier } from '../image/classifier';
import { HEADLESS, type ImageClassifierOptions, type InternalClassifierOptions } from '../image/classifier-options';
import type { Preprocess } from '../image/preprocess';
import { PRESETS } from '../image/presets';
import { defaultLayers, parseWeights } from '../weights/parse-weights';
import { WEIGHTS_NAMES } from '../weights/published/catalog';
import { withDownloadProgress } from './download-progress';
import { parseCount, parseLayers, parseRatio, PREFIX_ABOUT } from './options';
import { printWarning } from './output';
import { findPictures } from './picture-paths';

/** Flags of the commands that run a network on pictures. */
export interface NetworkFlags extends Pick<Preprocess, 'preset' | 'resize' | 'crop' | 'cropRatio' | 'interpolation'> {
  weights?: string;
  prefix?: string;
  layers?: Layers;
  classes?: number;
  device?: string;
  dtype?: string;
  calibration?: string;
  labels?: string;
  activation?: string;
  threads?: number;
}

/** The flags of the commands that name classes. */
export function addScoreOptions(command: Command): Command {
  return command
    .option(
      '--labels <file>',
      "class names: a JSON array or object by number, or one a line; default: ImageNet's for 1000 classes",
    )
    .addOption(activationOption());
}

export function activationOption(): Option {
  return new Option(
    '--activation <name>',
    'softmax (scores sum to 1) or sigmoid (each class on its own); default: by config.json beside the weights, else ' +
      'softmax, or sigmoid for one class',
  ).choices(['softmax', 'sigmoid']);
}

/** All of {@link NetworkFlags} but those of {@link addScoreOptions}. */
export function addNetworkOptions(command: Command): Command {
  return command
    .option(
      '--weights <file|name>',
      `a weight file; ${WEIGHTS_NAMES.join(', ')}: torchvision's, downloaded once; ` +
        'random or random:SEED for an untrained network, for trials',
    )
    .option('--prefix <text>', PREFIX_ABOUT)
    .option('--layers <n>', `${SUPPORTED_LAYERS.join(', ')}; default: as the file tells, else 50`, parseLayers)
    .option(
      '--classes <k>',
      'classes; default: as the file tells, as many as labels or 1000 for random; draws a head for a file without one',
      parseCount,
    )
    .option('--device <name>', 'cpu, cuda or cuda:N; default: cpu')
    .option('--dtype <name>', 'float32, bfloat16 or int8; default: float32')
    .option('--calibration <path>', 'for int8: a saved calibration (.json), or pictures like those to come')
    .option('--threads <n>', 'cores to use; default: all', parseCount)
    .addOption(new Option('--preset <name>', 'preprocessing; default: imagenet-v1').choices(Object.keys(PRESETS)))
    .option('--resize <n>', "the shorter side's length; default: the preset's, as of all of these", parseCount)
    .option('--crop <n>', 'the side of the square that is cut out', parseCount)
    .option('--crop-ratio <r>', 'instead of --resize: what the crop is of the shorter side', parseRatio)
    .addOption(new Option('--interpolation <name>', 'how to resize').choices(['bilinear', 'bicubic']));
}

/** Ends the command with a usage error if no weights are given. */
export function checkWeights({ weights }: NetworkFlags, command: Command): string {
  if (weights !== undefined) return weights;
  return command.error(
    `error: ${command.name()} needs weights: --weights FILE for a trained network (safetensors, …), ` +
      "--weights DEFAULT for torchvision's, or --weights random for an untrained one, for trials",
    { exitCode: 2 },
  );
}

/**
 * Opens the classifier that the flags describe, and prints warnings about its weights and a note if they are random.
 *
 * @param headless - the network needs no head, because only its features are used
 */
export async function openClassifier(
  flags: NetworkFlags,
  command: Command,
  headless = false,
): Promise<ImageClassifier> {
  const weights = checkWeights(flags, command);
  const options = { ...optionsOf({ ...flags, weights }), calibration: await findCalibration(flags.calibration) };
  const classifier = await withDownloadProgress((onProgress) => {
    const internal: InternalClassifierOptions = {
      ...options,
      onProgress,
      onWarning: printWarning,
      [HEADLESS]: headless,
    };
    return ImageClassifier.create(internal);
  });
  if (parseWeights(weights).kind === 'random') {
    process.stderr.write('These weights are random: the network is untrained and its answers mean nothing.\n');
  }
  return classifier;
}

/** A few dozen pictures are enough, and each takes as long as a forward in float32. */
const MAX_CALIBRATION = 64;

async function findCalibration(path: string | undefined): Promise<string | string[] | undefined> {
  if (path === undefined || path.endsWith('.json')) return path;
  const found = await findPictures(path);
  for (const item of found) if (typeof item !== 'string') throw item;
  return found.filter((one) => typeof one === 'string').slice(0, MAX_CALIBRATION);
}

/** Flags may hold values that the types rule out; the classifier reports them. */
function optionsOf(flags: NetworkFlags & { weights: string }): ImageClassifierOptions {
  const { weights, prefix, classes, device, dtype, labels, activation, threads } = flags;
  const layers = flags.layers ?? defaultLayers(weights);
  const { preset, resize, crop, cropRatio, interpolation } = flags;
  const preprocess = { preset, resize, crop, cropRatio, interpolation };
  const options = {
    weights,
    prefix,
    layers,
    numClasses: classes,
    device,
    dtype,
    labels,
    activation,
    threads,
    preprocess,
  };
  return options as ImageClassifierOptions;
}
