import { Option, type Command } from 'commander';
import { SUPPORTED_LAYERS, type Layers } from '../depths';
import { ResNetError } from '../errors';
import { ImageClassifier, isRandom, type ImageClassifierOptions } from '../image/classifier';
import type { Preprocess } from '../image/preprocess';
import { PRESETS } from '../image/presets';
import { isWeightsName, WEIGHTS_NAMES } from '../weights/published';
import { WRITERS } from './classified';
import { withDownloadProgress } from './download-progress';
import { parseCount, parseLayers, parseRatio } from './options';
import { picturesOf } from './pictures';
import { printable } from './printable';
import { Progress } from './progress';

interface Flags extends Pick<Preprocess, 'preset' | 'resize' | 'crop' | 'cropRatio' | 'interpolation'> {
  weights?: string;
  layers?: Layers;
  classes?: number;
  top?: number;
  device?: string;
  dtype?: string;
  labels?: string;
  threads?: number;
  format: keyof typeof WRITERS;
}

/** Enough to keep the cores busy, few enough that answers come soon and memory stays small. */
const BATCH = 8;

/** `resnet classify`: names what pictures show. */
export function addClassify(program: Command): void {
  program
    .command('classify')
    .description('Name what pictures show.')
    .argument('<picture...>', 'JPEG, PNG, WebP, TIFF or GIF files; folders; patterns in quotes')
    .option(
      '--weights <file|name>',
      `a weight file; ${WEIGHTS_NAMES.join(', ')}: torchvision's, downloaded once; ` +
        'random or random:SEED for an untrained network, for trials',
    )
    .option('--layers <n>', `${SUPPORTED_LAYERS.join(', ')}; default: as the file tells, else 50`, parseLayers)
    .option('--classes <k>', 'classes; default: as the file tells, as many as labels or 1000 for random', parseCount)
    .option('--top <n>', 'how many classes to name; default: 5', parseCount)
    .option('--device <name>', 'cpu, cuda or cuda:N; default: cpu')
    .option('--dtype <name>', 'float32')
    .option('--labels <file>', "class names, a JSON array or one a line; default: ImageNet's for 1000 classes")
    .option('--threads <n>', 'cores to use; default: all', parseCount)
    .addOption(new Option('--preset <name>', 'preprocessing; default: imagenet-v1').choices(Object.keys(PRESETS)))
    .option('--resize <n>', "the shorter side's length; default: the preset's, as of all of these", parseCount)
    .option('--crop <n>', 'the side of the square that is cut out', parseCount)
    .option('--crop-ratio <r>', 'instead of --resize: what the crop is of the shorter side', parseRatio)
    .addOption(new Option('--interpolation <name>', 'how to resize').choices(['bilinear', 'bicubic']))
    .addOption(new Option('--format <name>', 'what to print').choices(Object.keys(WRITERS)).default('text'))
    .action(async (pictures: string[], flags: Flags, command: Command) => {
      const { weights } = flags;
      if (weights === undefined) {
        command.error(
          'error: classify needs weights: --weights FILE for a trained network (safetensors, …), ' +
            "--weights DEFAULT for torchvision's, or --weights random for an untrained one, for trials",
          { exitCode: 2 },
        );
      }
      using classifier = await withDownloadProgress((onProgress) =>
        ImageClassifier.create({ ...optionsOf({ ...flags, weights }), onProgress }),
      );
      if (isRandom(weights)) {
        process.stderr.write('These weights are random: the network is untrained and its answers mean nothing.\n');
      }
      await classifyAll(classifier, pictures, flags);
    });
}

/** What the types rule out, the classifier refuses with a message of its own. */
function optionsOf(flags: Flags & { weights: string }): ImageClassifierOptions {
  const { weights, classes, device, dtype, labels, threads } = flags;
  const layers = flags.layers ?? (isWeightsName(weights) ? 50 : undefined);
  const { preset, resize, crop, cropRatio, interpolation } = flags;
  const preprocess = { preset, resize, crop, cropRatio, interpolation };
  const options = { weights, layers, numClasses: classes, device, dtype, labels, threads, preprocess };
  return options as ImageClassifierOptions;
}

async function classifyAll(classifier: ImageClassifier, pictures: readonly string[], flags: Flags): Promise<void> {
  const found = (await Promise.all(pictures.map(picturesOf))).flat();
  const writer = WRITERS[flags.format]();
  const progress = await Progress.begin(found.length, 'pictures');
  let failed = 0;
  const fail = ({ message }: ResNetError): void => {
    failed++;
    // Its path is in the message, and its number in a batch says nothing.
    const line = `resnet: ${printable(message.replace(/^image\[\d+\]/, 'a picture'))}\n`;
    progress.aside(() => process.stderr.write(line));
  };
  try {
    for (let start = 0; start < found.length; start += BATCH) {
      const batch = found.slice(start, start + BATCH);
      for (const one of batch) if (typeof one !== 'string') fail(one);
      const images = batch.filter((one) => typeof one === 'string');
      const answers = await classifier.classify(images, { topK: flags.top, onError: fail });
      const classified = images.map((image, i) => ({ image, predictions: answers[i] ?? [] }));
      progress.add(batch.length);
      progress.aside(() => process.stdout.write(writer.next(classified.filter((one) => one.predictions.length > 0))));
    }
  } finally {
    progress.end();
  }
  process.stdout.write(writer.end());
  if (failed === 0) return;
  process.exitCode = 1;
  if (found.length > 1) process.stderr.write(`${failed} of ${found.length} pictures failed\n`);
}
