import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Option, type Command } from 'commander';
import { ImageClassifier } from '../image/classifier';
import { featuresOf } from '../image/features';
import { writeWhole } from '../whole-file';
import { addNetworkOptions, openClassifier, type NetworkFlags } from './network';
import { npyHeader } from './npy';
import { checkOutput } from './output';

interface Flags extends NetworkFlags {
  format: 'json' | 'npy';
  output?: string;
  force?: boolean;
}

/** A picture's path with its features; without, where it could not be read. */
interface Row {
  path: string;
  features: Float32Array | undefined;
}

/** `resnet features`: pictures as rows of numbers, for search and transfer. */
export function addFeatures(program: Command): void {
  const command = program
    .command('features')
    .description('Write what a network makes of pictures before it names them, for search and transfer.')
    .argument('<picture...>', 'JPEG, PNG, WebP, TIFF or GIF files');
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
        command.error('error: npy is no text for a terminal: -o FILE writes it to a file', { exitCode: 2 });
      }
      if (output !== undefined) await checkOutput(output, flags.force);
      using classifier = await openClassifier(flags, command);
      const rows = rowsOf(classifier, pictures);
      const columns = classifier.layers < 50 ? 512 : 2048;
      const parts = format === 'json' ? asJson(rows) : asNpy(rows, pictures.length, columns);
      if (output !== undefined) await writeWhole(output, parts);
      else await pipeline(Readable.from(parts), process.stdout, { end: false }); // no faster than it is read
    });
}

async function* rowsOf(classifier: ImageClassifier, pictures: readonly string[]): AsyncGenerator<Row> {
  let at = 0;
  const failed = (error: Error): void => {
    process.stderr.write(`resnet: ${error.message}\n`);
    process.exitCode = 1;
  };
  for await (const features of featuresOf(ImageClassifier.access(classifier), pictures, failed)) {
    yield { path: pictures[at++] ?? '', features };
  }
}

/** A picture to a line, those that could not be read left out. */
async function* asJson(rows: AsyncIterable<Row>): AsyncGenerator<string> {
  let before = '[\n';
  for await (const { path, features } of rows) {
    if (features === undefined) continue;
    // Nine digits are a float32, whole.
    const numbers = Array.from(features, (value) => Number(value.toPrecision(9)));
    yield `${before}${JSON.stringify({ path, features: numbers })}`;
    before = ',\n';
  }
  yield before === ',\n' ? '\n]\n' : '[]\n';
}

/** The rows are the pictures, one by one: one that could not be read is NaN, so that none after it moves up. */
async function* asNpy(rows: AsyncIterable<Row>, count: number, columns: number): AsyncGenerator<Uint8Array> {
  yield npyHeader(count, columns);
  for await (const { features = new Float32Array(columns).fill(NaN) } of rows) {
    yield new Uint8Array(features.buffer, features.byteOffset, features.byteLength);
  }
}
