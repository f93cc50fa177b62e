import { stat } from 'node:fs/promises';
import type { Layers } from '../depths';
import { badArgument, ResNetError } from '../errors';
import { transpose, type Tensor } from '../tensor';
import { articleSpec } from './names/article';
import { checkMetadata, convertState, type WrittenDType } from './convert';
import { identifyResNet } from './names/identify';
import { matchState } from './names/match';
import type { Naming, WrittenNaming } from './names/namings';
import { openWeights, readTensors } from './formats/read';
import { saveSafetensors } from './formats/save-safetensors';
import { checkPlain } from './source/read-source';
import type { WeightEntry } from './formats/weight-file';

/** Options of {@link convertFile}. */
export interface ConvertOptions {
  /** The names that the tensors get. Default: 'torchvision'. */
  naming?: WrittenNaming | undefined;
  /** Of the floating-point values. Default: as each is in the file, bit by bit. */
  dtype?: WrittenDType | undefined;
  /** Added to the file's own, whose entries of the same keys it replaces. */
  metadata?: Readonly<Record<string, string>> | undefined;
  /** True: a file that is there is replaced. Default: false. */
  force?: boolean | undefined;
}

/** What was converted. */
export interface Converted {
  layers: Layers;
  numClasses: number;
  /** The naming that was found. */
  naming: Naming;
  tensors: number;
}

/**
 * Writes a ResNet's weights anew, as safetensors; the addon is not needed. Counters (`num_batches_tracked`) that the
 * file has are kept as they are, and none are made up: converting back gives the same bytes, where the dtype was kept.
 * `output` appears whole or not at all, and may be `input`.
 *
 * @param input - as {@link openWeights} takes it
 * @param output - a path that ends in `.safetensors`
 * @throws ERR_FILE (`output` is there already, too), ERR_ARGUMENT, ERR_DTYPE, ERR_UNSUPPORTED_FORMAT,
 *   ERR_UNSUPPORTED_MODEL, ERR_WEIGHTS_FORMAT, ERR_WEIGHTS_MISMATCH
 */
export async function convertFile(input: string, output: string, options: ConvertOptions = {}): Promise<Converted> {
  if (typeof output !== 'string' || !output.endsWith('.safetensors')) {
    throw badArgument('output', 'a path that ends in .safetensors, the format that is written', output);
  }
  checkMetadata(options.metadata ?? {});
  convertState(new Map(), options); // wrong options are told before anything is read
  if (options.force !== true && (await stat(output).catch(() => undefined)) !== undefined) {
    throw new ResNetError('ERR_FILE', `Cannot write ${output}: it is there already; force (--force) replaces it.`);
  }
  const { path, format, metadata, entries } = await openWeights(input);
  const given = new Map(entries.map((entry) => [entry.name, entry]));
  const { layers, numClasses, naming } = identifyResNet(input, given);
  const { pairs } = matchState(input, articleSpec(layers, numClasses), given, { naming });
  await checkPlain(path, naming, layers);

  const read = await readTensors(
    path,
    pairs.map((pair) => given.get(pair.given) as WeightEntry),
  );
  const state = new Map(
    pairs.map((pair) => {
      const tensor = read.get(pair.given) as Tensor;
      return [pair.name, pair.transposed ? transpose(tensor) : tensor];
    }),
  );
  // What Hugging Face's readers ask for; a safetensors file has said for itself whether it has it.
  const own = format === 'safetensors' ? metadata : { format: 'pt', ...metadata };
  await saveSafetensors(output, convertState(state, options), { ...own, ...options.metadata });
  return { layers, numClasses, naming, tensors: state.size };
}
