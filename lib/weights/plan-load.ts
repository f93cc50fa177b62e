import { checkArchitecture, type Layers } from '../depths';
import { badArgument, inspect, ResNetError } from '../errors';
import { articleSpec } from './names/article';
import { findResNet, type FoundResNet } from './find-resnet';
import { identifyResNet } from './names/identify';
import { listFirst, matchState, type LoadOptions, type Match } from './names/match';
import { checkNaming, type Naming } from './names/namings';
import type { TensorInfo } from './names/tensor-info';
import type { StateDict } from './formats/checkpoint';
import { openWeights } from './formats/open';
import { explainMissingWeights } from './missing-weights';
import type { WeightEntry, WeightFile } from './formats/weight-file';
import { SourceFiles } from './source/source-files';

/** Options of {@link planLoad}; what is not set is read from the file. */
export interface PlanOptions extends LoadOptions {
  layers?: Layers | undefined;
  numClasses?: number | undefined;
  /** Names that the caller takes instead of a path, for the message about a path that does not exist. */
  names?: readonly string[] | undefined;
  /** See {@link ResNetLoadOptions.prefix}. */
  prefix?: string | undefined;
  /**
   * Whether the file must have a head: 'required' (default), unless `numClasses` asks for a new one; 'optional': the file
   * may have none at all; 'unused': it may also have one that a ResNet cannot have.
   */
  head?: 'required' | 'optional' | 'unused' | undefined;
}

/** A tensor of the file, and where it goes. */
export interface PlannedTensor extends WeightEntry {
  /** The article's name, as in `stateDict()`. */
  target: string;
  /** True if the file holds the transposed matrix. */
  transposed: boolean;
}

/** How to load a ResNet from a weight file whose header was read and checked. */
export interface LoadPlan {
  /** As the user gave it: a file, an index of shards, or a folder. */
  path: string;
  file: WeightFile;
  layers: Layers;
  numClasses: number;
  /** True if the file has no head that can be used: `fc` is not among the tensors. */
  headless: boolean;
  naming: Naming;
  /** In the order of the network's state. */
  tensors: readonly PlannedTensor[];
  /** Counters (`num_batches_tracked`) that the file lacks, by the article's names. They start at 0. */
  untracked: readonly string[];
  /** The configurations beside the file. */
  sourceFiles: SourceFiles;
  /** Sentences about what is in the file and not loaded, and about a head that is not in it. */
  warnings: readonly string[];
}

/**
 * Reads a weight file's header, finds out what it holds, and matches its tensors with a ResNet's. Reads no values.
 *
 * @param path - as {@link openWeights} takes it
 * @throws ERR_FILE, ERR_UNSUPPORTED_FORMAT, ERR_UNSUPPORTED_LAYERS, ERR_UNSUPPORTED_MODEL, ERR_WEIGHTS_FORMAT,
 *   ERR_WEIGHTS_GLOBAL, ERR_WEIGHTS_MISMATCH, ERR_ARGUMENT
 */
export async function planLoad(path: string, options: PlanOptions): Promise<LoadPlan> {
  const { prefix } = options;
  if (prefix !== undefined && typeof prefix !== 'string') throw badArgument('prefix', 'a string', prefix);
  let fit: Fit | undefined;
  const file = await openWeights(path, <T extends TensorInfo>(dicts: readonly StateDict<T>[]) => {
    const found = findResNet(path, dicts, { prefix, naming: checkNaming(options.naming ?? 'auto') });
    fit = fitNetwork(path, found, options);
    return new Map(fit.match.pairs.map(({ source }) => [source, found.tensors.get(source) as T]));
  }).catch((error: unknown) => {
    throw explainMissingWeights(path, error, options.names ?? []);
  });
  const { match, layers, numClasses, headless, warnings } = fit as unknown as Fit;
  const { pairs, naming, untracked } = match;
  const sourceFiles = new SourceFiles(file.path);
  await sourceFiles.checkPlainResNet(naming, layers);
  const entries = new Map(file.entries.map((entry) => [entry.name, entry]));
  const tensors = pairs.map(({ name: target, source, transposed }) => {
    return { ...(entries.get(source) as WeightEntry), target, transposed };
  });
  return {
    ...{ path, file, layers, numClasses, headless, naming, tensors, untracked, sourceFiles },
    warnings: [...warnings, ...inertWarnings(path, file.inert)],
  };
}

/** The network that fits a file's tensors, and how they go into it. */
interface Fit extends Pick<LoadPlan, 'layers' | 'numClasses' | 'headless' | 'warnings'> {
  match: Match;
}

function fitNetwork(path: string, found: FoundResNet<TensorInfo>, options: PlanOptions): Fit {
  const { tensors, backbone } = found;
  const { naming, head = 'required' } = options;
  let { layers, numClasses } = options;
  const headless = backbone !== undefined && backbone.head?.linear === undefined;
  if (layers === undefined || numClasses === undefined) {
    const mayLackHead = headless && (backbone.head !== undefined || numClasses !== undefined || head !== 'required');
    const identity = identifyResNet(path, tensors, naming, mayLackHead);
    layers ??= identity.layers;
    if (!headless) numClasses ??= identity.numClasses;
  }
  if (headless && backbone.head !== undefined && head !== 'unused') {
    const { linears, classes } = backbone.head;
    if (numClasses === undefined || numClasses === classes) throw otherHead(path, linears);
  }
  const warnings = warningsOf(path, found, headless ? numClasses : undefined);
  if (headless && head !== 'required') numClasses ??= 1; // nobody looks at it
  checkArchitecture(layers, numClasses);
  const spec = articleSpec(layers, numClasses as number).filter(({ name }) => !headless || !name.startsWith('fc.'));
  return {
    layers,
    numClasses: numClasses as number,
    headless,
    warnings,
    match: matchState(path, spec, tensors, options),
  };
}

function otherHead(path: string, linears: readonly string[]): ResNetError {
  return new ResNetError(
    'ERR_WEIGHTS_MISMATCH',
    `${path} has a head that is not one Linear behind the pooling: ${listFirst(linears)}. ` +
      'With another number of classes, the option numClasses (--classes) draws a new head; features need none.',
  );
}

function warningsOf(path: string, { foreign, others, at }: FoundResNet<TensorInfo>, newClasses?: number): string[] {
  const [count, verb] = foreign.length === 1 ? ['1 tensor', 'is'] : [`${foreign.length} tensors`, 'are'];
  return [
    ...(others.length === 0
      ? []
      : [`${path} holds several ResNets: that of ${at} is loaded, and not that of ${listFirst(others)}.`]),
    ...(foreign.length === 0
      ? []
      : [`${path} has ${count} beside the network that ${verb} not loaded: ${listFirst(foreign)}.`]),
    ...(newClasses === undefined
      ? []
      : [`${path} has no head that can be used: a new one for ${newClasses} classes is drawn, which is untrained.`]),
  ];
}

/** Names that are printed as they are. */
const PLAIN_NAME = /^[\w.<>]{1,120}$/;
const MAX_INERT_LISTED = 100;

function inertWarnings(path: string, inert: readonly string[]): string[] {
  if (inert.length === 0) return [];
  const names = inert.slice(0, MAX_INERT_LISTED).map((name) => (PLAIN_NAME.test(name) ? name : inspect(name)));
  const rest = inert.length > names.length ? `, and ${inert.length - names.length} more` : '';
  return [
    `${path} names Python globals that no state dict needs: ${names.join(', ')}${rest}. ` +
      'Their objects are left out, and nothing of the file was run.',
  ];
}
