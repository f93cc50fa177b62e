import { InvalidArgumentError, type Command } from 'commander';
import { badArgument } from '../errors';
import { ImageClassifier } from '../image/classifier';
import { checkExplain, explainPicture } from '../image/explain';
import { drawHeatmap } from '../image/heatmap';
import { writeAtomically } from '../atomic-write';
import { addNetworkOptions, addScoreOptions, openClassifier, type NetworkFlags } from './network';
import { checkOutput } from './output';
import { printable } from './printable';
import { imageOf } from './standard-input';

interface Flags extends NetworkFlags {
  output: string;
  class?: number;
  force?: boolean;
}

/** `resnet explain`: draws a class activation map. */
export function addExplain(program: Command): void {
  const command = program
    .command('explain')
    .description('Draw where a picture looks like a class, the likeliest one: its class activation map.')
    .argument('<picture>', 'a JPEG, PNG, WebP, TIFF, GIF or AVIF file; - for standard input')
    .requiredOption('-o, --output <file>', 'the picture to write, NAME.png')
    .option('--class <n>', 'the number of another class, from 0', parseClass);
  addScoreOptions(addNetworkOptions(command))
    .option('--force', 'replace a file that is there')
    .action(async (picture: string, flags: Flags) => {
      const { output } = flags;
      if (!output.toLowerCase().endsWith('.png')) throw badArgument('output', 'a path that ends in .png', output);
      await checkOutput(output, flags.force);
      using classifier = await openClassifier(flags, command);
      const options = checkExplain({ class: flags.class }, classifier.numClasses);
      const internals = ImageClassifier.internals(classifier);
      const decoded = await internals.pictures.decode(await imageOf(picture), 'picture');
      const explanation = await explainPicture(internals, decoded, options);
      await writeAtomically(output, [await drawHeatmap(decoded, explanation, classifier.preprocess.crop)]);
      const { label, index, score } = explanation;
      process.stdout.write(`${output}: ${printable(label)} (class ${index}), ${(100 * score).toFixed(2)} %\n`);
    });
}

function parseClass(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be an integer from 0.');
}
