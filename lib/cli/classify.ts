import { Option, type Command } from 'commander';
import { SUPPORTED_LAYERS, type Layers } from '../depths';
import { ResNetError } from '../errors';
import { ImageClassifier, isRandom, type ImageClassifierOptions, type Prediction } from '../image/classifier';
import { isWeightsName, WEIGHTS_NAMES } from '../weights/published';
import { colours } from './colours';
import { withDownloadProgress } from './download-progress';
import { asJson } from './formats';
import { parseCount, parseLayers } from './options';

interface Flags {
  weights?: string;
  layers?: Layers;
  top?: number;
  device?: string;
  dtype?: string;
  labels?: string;
  threads?: number;
  format: 'text' | 'json';
}

interface Classified {
  image: string;
  predictions: Prediction[];
}

/** Enough to keep the cores busy, few enough that answers come soon and memory stays small. */
const BATCH = 8;

/** `resnet classify`: names what pictures show. */
export function addClassify(program: Command): void {
  program
    .command('classify')
    .description('Name what pictures show.')
    .argument('<picture...>', 'JPEG, PNG, WebP, TIFF or GIF files')
    .option(
      '--weights <file|name>',
      `a weight file; ${WEIGHTS_NAMES.join(', ')}: torchvision's, downloaded once; ` +
        'random or random:SEED for an untrained network, for trials',
    )
    .option('--layers <n>', `${SUPPORTED_LAYERS.join(', ')}; default: as the file tells, else 50`, parseLayers)
    .option('--top <n>', 'how many classes to name; default: 5', parseCount)
    .option('--device <name>', 'cpu, cuda or cuda:N; default: cpu')
    .option('--dtype <name>', 'float32')
    .option('--labels <file>', "class names, a JSON array or one a line; default: ImageNet's for 1000 classes")
    .option('--threads <n>', 'cores to use; default: all', parseCount)
    .addOption(new Option('--format <name>', 'what to print').choices(['text', 'json']).default('text'))
    .action(async (pictures: string[], flags: Flags, command: Command) => {
      const { weights } = flags;
      if (weights === undefined) {
        command.error(
          'error: classify needs weights: --weights FILE for a trained network (safetensors, …), ' +
            "--weights DEFAULT for torchvision's, or --weights random for an untrained one, for trials",
          { exitCode: 2 },
        );
      }
      // What the types rule out, the classifier refuses with a message of its own.
      const options = { ...flags, weights } as ImageClassifierOptions;
      using classifier = await withDownloadProgress((onProgress) =>
        ImageClassifier.create({
          ...options,
          layers: flags.layers ?? (isWeightsName(weights) ? 50 : undefined),
          onProgress,
        }),
      );
      if (isRandom(weights)) {
        process.stderr.write('These weights are random: the network is untrained and its answers mean nothing.\n');
      }
      await classifyAll(classifier, pictures, flags);
    });
}

async function classifyAll(classifier: ImageClassifier, pictures: readonly string[], flags: Flags): Promise<void> {
  const done: Classified[] = [];
  for (let start = 0; start < pictures.length; start += BATCH) {
    const classified = await classifyBatch(classifier, pictures.slice(start, start + BATCH), flags.top);
    if (flags.format === 'text') process.stdout.write(classified.map(asText).join(''));
    else done.push(...classified);
  }
  if (flags.format === 'json') process.stdout.write(asJson(done));
}

/** A batch fails as one; its pictures one by one then tell which of them are bad. */
async function classifyBatch(
  classifier: ImageClassifier,
  pictures: readonly string[],
  topK: number | undefined,
): Promise<Classified[]> {
  try {
    const lists = await classifier.classify(pictures, { topK });
    return pictures.map((image, i) => ({ image, predictions: lists[i] ?? [] }));
  } catch (error) {
    if (!isBadPicture(error)) throw error;
    if (pictures.length > 1) {
      const classified: Classified[] = [];
      for (const picture of pictures) classified.push(...(await classifyBatch(classifier, [picture], topK)));
      return classified;
    }
    // With one picture left its path is in the message, and its number in the list says nothing.
    process.stderr.write(`resnet: ${error.message.replace(/^image\[0\]/, 'a picture')}\n`);
    process.exitCode = 1;
    return [];
  }
}

function isBadPicture(error: unknown): error is ResNetError {
  return error instanceof ResNetError && (error.code === 'ERR_FILE' || error.code === 'ERR_IMAGE');
}

const BAR = 24;

/** A bar beside each score is for eyes only: no program has to parse one away. */
function asText({ image, predictions }: Classified): string {
  const terminal = process.stdout.isTTY;
  const lines = predictions.map(({ label, score }) => {
    const full = Math.round(score * BAR);
    const bar = terminal ? `${colours.cyan('█'.repeat(full))}${colours.dim('░'.repeat(BAR - full))}  ` : '';
    return `  ${(100 * score).toFixed(2).padStart(6)} %  ${bar}${label}\n`;
  });
  return `${colours.bold(image)}\n${lines.join('')}`;
}
