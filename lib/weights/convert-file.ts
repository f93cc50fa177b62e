import { stat } from 'node:fs/promises';
import type { Layers } from '../depths';
import { badArgument, ResNetError } from '../errors';
import { transpose, type Tensor } from '../tensor';
import { checkMetadata, convertState, type WrittenDType } from './convert';
import { hasFiniteValues, warnOfNonFinite } from './finite';
import { forEachTensor } from './formats/read';
import { saveSafetensors } from './formats/save-safetensors';
import type { Naming, WrittenNaming } from './names/namings';
import { planLoad } from './plan-load';

/** Options of {@link convertFile}. */
export interface ConvertOptions {
  /** The naming to write. Default: 'torchvision'. */
  naming?: WrittenNaming | undefined;
  /** The dtype of the floating-point values. Default: that of each tensor in the file, bit by bit. */
  dtype?: WrittenDType | undefined;
  /** Merged into the file's own metadata; wins for equal keys. */
  metadata?: Readonly<Record<string, string>> | undefined;
  /** True: replace an existing file. Default: false. */
  force?: boolean | undefined;
  /** As of {@link ResNet.load}. */
  prefix?: string | undefined;
  /** As of {@link ResNet.load}. Default: nothing is reported, and values are not checked. */
  onWarning?: ((message: string) => void) | undefined;
}

/** What was converted. */
export interface Converted {
  layers: Layers;
  /** 0 if the file has no head; then none is written. */
  numClasses: number;
  /** The naming of the input. */
  naming: Naming;
  /** The number of tensors written. */
  tensors: number;
}

/**
 * Rewrites a ResNet's weights as safetensors; does not need the addon. Counters (`num_batches_tracked`) are copied if the
 * file has them, and not added if it has none: converting back gives the same bytes, if the dtype was kept.
 * `output` is written atomically, and may be the same file as `input`.
 *
 * @param input - as {@link openWeights} takes it
 * @param output - a path that ends in `.safetensors`
 * @throws ERR_FILE (also if `output` exists), ERR_ARGUMENT, ERR_DTYPE, ERR_UNSUPPORTED_FORMAT, ERR_UNSUPPORTED_MODEL,
 *   ERR_WEIGHTS_FORMAT, ERR_WEIGHTS_MISMATCH
 */
export async function convertFile(input: string, output: string, options: ConvertOptions = {}): Promise<Converted> {
  if (typeof output !== 'string' || !output.endsWith('.safetensors')) {
    throw badArgument('output', 'a path that ends in .safetensors, the format that is written', output);
  }
  checkMetadata(options.metadata ?? {});
  convertState(new Map(), options); // report wrong options before reading anything
  if (options.force !== true && (await stat(output).catch(() => undefined)) !== undefined) {
    throw new ResNetError('ERR_FILE', `Cannot write ${output}: it is there already; force (--force) replaces it.`);
  }
  const { prefix, onWarning } = options;
  const plan = await planLoad(input, { prefix, onWarning, head: 'optional' });
  const { format, path, metadata } = plan.file;
  const state = new Map<string, Tensor>();
  const nonFinite: string[] = [];
  await forEachTensor(path, plan.tensors, ({ name, target, transposed }, tensor) => {
    if (onWarning !== undefined && !hasFiniteValues(tensor)) nonFinite.push(name);
    state.set(target, transposed ? transpose(tensor) : tensor);
  });
  // Hugging Face's readers require `format`; a safetensors file has already decided whether it has one.
  const merged = { ...(format === 'safetensors' ? {} : { format: 'pt' }), ...metadata, ...options.metadata };
  await saveSafetensors(output, convertState(state, options), merged);
  if (onWarning !== undefined) {
    for (const warning of plan.warnings) onWarning(warning);
    warnOfNonFinite(input, nonFinite, onWarning);
  }
  const numClasses = plan.headless ? 0 : plan.numClasses;
  return { layers: plan.layers, numClasses, naming: plan.naming, tensors: state.size };
}
