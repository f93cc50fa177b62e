import { checkArchitecture, type Layers } from '../depths';
import { articleSpec } from './names/article';
import { identifyResNet } from './names/identify';
import { matchState, type LoadOptions } from './names/match';
import type { Naming } from './names/namings';
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
  naming: Naming;
  /** In the order of the network's state. */
  tensors: readonly PlannedTensor[];
  /** Counters (`num_batches_tracked`) that the file lacks, by the article's names. They start at 0. */
  untracked: readonly string[];
  /** The configurations beside the file. */
  sourceFiles: SourceFiles;
}

/**
 * Reads a weight file's header, finds out what it holds, and matches its tensors with a ResNet's. Reads no values.
 *
 * @param path - as {@link openWeights} takes it
 * @throws ERR_FILE, ERR_UNSUPPORTED_FORMAT, ERR_UNSUPPORTED_LAYERS, ERR_UNSUPPORTED_MODEL, ERR_WEIGHTS_FORMAT,
 *   ERR_WEIGHTS_GLOBAL, ERR_WEIGHTS_MISMATCH, ERR_ARGUMENT
 */
export async function planLoad(path: string, options: PlanOptions): Promise<LoadPlan> {
  const file = await openWeights(path).catch((error: unknown) => {
    throw explainMissingWeights(path, error, options.names ?? []);
  });
  const entries = new Map(file.entries.map((entry) => [entry.name, entry]));
  const { layers, numClasses } = architectureOf(path, entries, options);
  const { pairs, naming, untracked } = matchState(path, articleSpec(layers, numClasses), entries, options);
  const sourceFiles = new SourceFiles(file.path);
  await sourceFiles.checkPlainResNet(naming, layers);
  const tensors = pairs.map(({ name: target, source, transposed }) => {
    return { ...(entries.get(source) as WeightEntry), target, transposed };
  });
  return { path, file, layers, numClasses, naming, tensors, untracked, sourceFiles };
}

function architectureOf(
  path: string,
  entries: ReadonlyMap<string, WeightEntry>,
  { layers, numClasses, naming }: PlanOptions,
): { layers: Layers; numClasses: number } {
  if (layers === undefined || numClasses === undefined) {
    const identity = identifyResNet(path, entries, naming);
    layers ??= identity.layers;
    numClasses ??= identity.numClasses;
  }
  checkArchitecture(layers, numClasses);
  return { layers, numClasses };
}
