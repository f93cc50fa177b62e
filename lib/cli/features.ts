import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Option, type Command } from 'commander';
import { ImageClassifier } from '../image/classifier';
import { featuresOf } from '../image/features';
import { writeAtomically } from '../atomic-write';
import { addNetworkOptions, openClassifier, type NetworkFlags } from './network';
import { npyHeader } from './npy';
import { checkOutput } from './output';
import { findPictures } from './picture-paths';
import { printable } from './printable';
import { Progress } from './progress';
import { imageOf, PICTURES } from './standard-input';

interface Flags extends NetworkFlags {
  format: 'json' | 'npy';
  output?: string;
  force?: boolean;
}

/** A picture's path and features, which are undefined if it could not be read. */
interface Row {
  path: string;
  features: Float32Array | undefined;
}

/** `resnet features`: writes the network's values after global pooling, for search and transfer learning. */
export function addFeatures(program: Command): void {
  const command = program
    .command('features')
    .description('Write what a network makes of pictures before it names them, for search and transfer.')
    .argument('<picture...>', PICTURES);
  addNetworkOptions(command)
    .addOption(
      new Option('--format <name>', 'json: an array of { path, features }; npy: a row for each picture')
        .choices(['json', 'npy'])
        .default('json'),
    )
    .option('-o, --output <file>', 'the file to write; default: standard output')
    .option('--force', 'replace a file that is there')
    .action(async (pictures: string[], flags: Flags) => {
      const { format, output } = flags;
      if (format === 'npy' && output === undefined && process.stdout.isTTY) {
        command.error('error: npy is not text for a terminal: -o FILE writes it to a file', { exitCode: 2 });
      }
      if (output !== undefined) await checkOutput(output, flags.force);
      using classifier = await openClassifier(flags, command, true);
      const found = (await Promise.all(pictures.map(findPictures))).flat();
      const paths = found.filter((item) => typeof item === 'string');
      // No bar if the numbers themselves go to the terminal.
      const showProgress = output !== undefined || !process.stdout.isTTY;
      const progress = await Progress.begin(showProgress ? paths.length : 0, 'pictures');
      const fail = ({ message }: Error): void => {
        process.exitCode = 1;
        progress.writeAround(() => process.stderr.write(`resnet: ${printable(message)}\n`));
      };
      for (const item of found) if (typeof item !== 'string') fail(item);
      const rows = rowsOf(classifier, paths, progress, fail);
      const columns = classifier.layers < 50 ? 512 : 2048;
      const parts = format === 'json' ? asJson(rows) : asNpy(rows, paths.length, columns);
      try {
        if (output !== undefined) await writeAtomically(output, parts);
        else await pipeline(Readable.from(parts), process.stdout, { end: false }); // with backpressure
      } finally {
        progress.end();
      }
    });
}

async function* rowsOf(
  classifier: ImageClassifier,
  paths: readonly string[],
  progress: Progress,
  fail: (error: Error) => void,
): AsyncGenerator<Row> {
  const images = await Promise.all(paths.map(imageOf));
  let at = 0;
  for await (const features of featuresOf(ImageClassifier.internals(classifier), images, fail)) {
    yield { path: paths[at++] ?? '', features };
    progress.add(1);
  }
}

/** One picture per line, without those that could not be read. */
async function* asJson(rows: AsyncIterable<Row>): AsyncGenerator<string> {
  let separator = '[\n';
  for await (const { path, features } of rows) {
    if (features === undefined) continue;
    // Nine digits restore a float32 exactly.
    const numbers = Array.from(features, (value) => Number(value.toPrecision(9)));
    yield `${separator}${JSON.stringify({ path, features: numbers })}`;
    separator = ',\n';
  }
  yield separator === ',\n' ? '\n]\n' : '[]\n';
}

/** One row per picture. A picture without features becomes NaN, so that rows keep the pictures' positions. */
async function* asNpy(rows: AsyncIterable<Row>, count: number, columns: number): AsyncGenerator<Uint8Array> {
  yield npyHeader(count, columns);
  for await (const { features = new Float32Array(columns).fill(NaN) } of rows) {
    yield new Uint8Array(features.buffer, features.byteOffset, features.byteLength);
  }
}
