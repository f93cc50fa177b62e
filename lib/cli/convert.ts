import { InvalidArgumentError, Option, type Command } from 'commander';
import { WRITTEN_DTYPES } from '../weights/convert';
import { convertFile, type ConvertOptions } from '../weights/convert-file';
import { WRITTEN_NAMINGS } from '../weights/names/namings';
import { PREFIX_ABOUT } from './options';
import { printWarning } from './output';

type Flags = Required<Pick<ConvertOptions, 'naming'>> & ConvertOptions;

/** `resnet convert`: rewrites weights with other names or another dtype, as safetensors. */
export function addConvert(program: Command): void {
  program
    .command('convert')
    .description("Write a weight file anew as safetensors, under torchvision's, Hugging Face's or the article's names.")
    .argument('<in>', 'a weight file, an index of shards or a folder of either')
    .argument('<out>', 'the file to write, NAME.safetensors')
    .addOption(new Option('--naming <name>', 'the names to write').choices(WRITTEN_NAMINGS).default('torchvision'))
    .addOption(new Option('--dtype <name>', 'of the values; default: as they are').choices(WRITTEN_DTYPES))
    .option('--metadata <key=value>', "added to the file's own; may be given several times", addMetadata)
    .option('--prefix <text>', PREFIX_ABOUT)
    .option('--force', 'replace a file that is there')
    .action(async (input: string, output: string, flags: Flags) => {
      const { layers, numClasses, naming, tensors } = await convertFile(input, output, {
        ...flags,
        onWarning: printWarning,
      });
      const names = naming === flags.naming ? naming : `${naming} -> ${flags.naming}`;
      const dtype = flags.dtype === undefined ? '' : `, ${flags.dtype}`;
      process.stdout.write(
        `${output}: ResNet-${layers}, ${numClasses === 0 ? 'no head' : `${numClasses} classes`}, ${tensors} tensors, ${names}${dtype}\n`,
      );
    });
}

function addMetadata(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError('It must be KEY=VALUE.');
  return Object.fromEntries([...Object.entries(before), [key, value]]);
}
