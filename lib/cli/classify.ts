import { Option, type Command } from 'commander';
import type { ResNetError } from '../errors';
import type { Prediction } from '../image/classifier';
import type { Image } from '../image/image';
import { WRITERS } from './classify-output';
import { addJobOptions, checkNoJob, classifyJob, type JobFlags } from './job';
import { addNetworkOptions, addScoreOptions, openClassifier, type NetworkFlags } from './network';
import { parseCount } from './options';
import { findPictures } from './picture-paths';
import { printable } from './printable';
import { Progress } from './progress';
import { RemoteClassifier } from './remote';
import { imageOf, PICTURES } from './standard-input';

/** An ImageClassifier, or a client of a server. */
interface Classifier {
  classify(
    images: readonly Image[],
    options: { topK: number | undefined; onError: (error: ResNetError, index: number) => void },
  ): Promise<Prediction[][]>;
}

interface Flags extends NetworkFlags, JobFlags {
  server?: string;
  model?: string;
  format: keyof typeof WRITERS;
}

/** Enough to keep the cores busy, few enough for early output and little memory. */
const BATCH_SIZE = 8;

/** `resnet classify`: predicts the classes of pictures. */
export function addClassify(program: Command): void {
  const command = program
    .command('classify')
    .description('Name what pictures show.')
    .argument('[picture...]', PICTURES)
    .option('--top <n>', 'how many classes to name; default: 5', parseCount);
  addScoreOptions(addNetworkOptions(command))
    .addOption(
      new Option('--server <url>', 'have a server do it (resnet serve); its key from RESNET_API_KEY').conflicts([
        'weights',
        'prefix',
        'layers',
        'labels',
        'activation',
        'device',
        'dtype',
      ]),
    )
    .option('--model <name>', 'with --server: which of its models, where it has several')
    .addOption(new Option('--format <name>', 'what to print').choices(Object.keys(WRITERS)).default('text'));
  addJobOptions(command).action(async (pictures: string[], flags: Flags) => {
    if (flags.job !== undefined) {
      await classifyJob(pictures, flags, command);
      return;
    }
    checkNoJob(flags, command);
    if (pictures.length === 0) command.error("error: missing required argument 'picture'", { exitCode: 2 });
    if (flags.server !== undefined) {
      await classifyAll(new RemoteClassifier(flags.server, flags.model), pictures, flags);
      return;
    }
    using classifier = await openClassifier(flags, command);
    await classifyAll(classifier, pictures, flags);
  });
}

async function classifyAll(classifier: Classifier, pictures: readonly string[], flags: Flags): Promise<void> {
  const found = (await Promise.all(pictures.map(findPictures))).flat();
  const writer = WRITERS[flags.format]();
  const progress = await Progress.begin(found.length, 'pictures');
  let failed = 0;
  const fail = ({ message }: ResNetError): void => {
    failed++;
    // The message has the path; the index in the batch is meaningless here.
    const line = `resnet: ${printable(message.replace(/^image\[\d+\]/, 'a picture'))}\n`;
    progress.writeAround(() => process.stderr.write(line));
  };
  try {
    for (let start = 0; start < found.length; start += BATCH_SIZE) {
      const batch = found.slice(start, start + BATCH_SIZE);
      for (const item of batch) if (typeof item !== 'string') fail(item);
      const names = batch.filter((item) => typeof item === 'string');
      const images = await Promise.all(names.map(imageOf));
      const answers = await classifier.classify(images, { topK: flags.top, onError: fail });
      const classified = names.map((image, i) => ({ image, predictions: answers[i] ?? [] }));
      progress.add(batch.length);
      progress.writeAround(() =>
        process.stdout.write(writer.next(classified.filter(({ predictions }) => predictions.length > 0))),
      );
    }
  } finally {
    progress.end();
  }
  process.stdout.write(writer.end());
  if (failed === 0) return;
  process.exitCode = 1;
  if (found.length > 1) process.stderr.write(`${failed} of ${found.length} pictures failed\n`);
}
