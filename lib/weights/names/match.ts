import { badArgument, ResNetError } from '../../errors';
import type { StateSpec } from './article';
import { ALL_NAMINGS, checkNaming, namesIn, storesTransposed, type Naming } from './namings';
import { otherNetwork } from './other-networks';
import type { TensorInfo } from './tensor-info';

/** Options of {@link Module.loadStateDict} and of {@link ResNet.load}. */
export interface LoadOptions {
  /** True (default): missing and unexpected tensors are an error. */
  strict?: boolean | undefined;
  /** How the tensors are named. Default: 'auto', the naming that fits best. */
  naming?: Naming | 'auto' | undefined;
  /**
   * Called after loading with a sentence for each thing that deserves attention: tensors with NaN or infinite values,
   * which are loaded all the same; of a file also tensors that belong to something else, Python objects that were left
   * out, and a new head. Default: nothing is reported, and values are not checked.
   */
  onWarning?: ((message: string) => void) | undefined;
}

/** What loading found. */
export interface LoadReport {
  /** The naming that was detected, or asked for. */
  naming: Naming;
  /** Tensors of the module that the input lacks, by their names in `naming`. */
  missing: string[];
  /** Names in the input that the module has no tensor for. */
  unexpected: string[];
}

/** A module's tensor and the input's tensor that is loaded into it. */
export interface TensorPair {
  /** The article's name, as in `stateDict()`. */
  name: string;
  shape: readonly number[];
  /** The name in the input. */
  source: string;
  /** True where the input holds the transposed matrix. */
  transposed: boolean;
}

export interface Match extends LoadReport {
  pairs: TensorPair[];
  /** Counters (`num_batches_tracked`) that the input lacks; PaddlePaddle has none. They start at 0. */
  untracked: string[];
}

const FLOATS: ReadonlySet<string | undefined> = new Set(['float32', 'float64', 'float16', 'bfloat16']);
const MAX_LISTED = 10;

/**
 * Finds the input tensor for each tensor of a module, and checks that it fits.
 *
 * @param subject - what is loaded, for the message: a path, or `The state`
 * @param spec - the module's tensors
 * @param tensors - the input's tensors by name
 * @throws ERR_WEIGHTS_MISMATCH, one error that lists what is missing, unexpected or misshapen; ERR_UNSUPPORTED_MODEL
 *   where the mismatch looks like another network
 */
export function matchState(
  subject: string,
  spec: readonly StateSpec[],
  tensors: ReadonlyMap<string, TensorInfo>,
  { strict = true, naming = 'auto', onWarning }: LoadOptions,
): Match {
  if (typeof strict !== 'boolean') throw badArgument('strict', 'a boolean', strict);
  if (onWarning !== undefined && typeof onWarning !== 'function') {
    throw badArgument('onWarning', 'a function', onWarning);
  }
  const names = spec.map(({ name }) => name);
  const requested = checkNaming(naming);
  const chosen = requested === 'auto' ? bestNaming(names, tensors) : requested;
  const match = pairTensors(spec, namesIn(chosen, names), tensors, chosen);
  const problems = [
    ...(strict ? match.missing.map((name) => `missing ${name}`) : []),
    ...(strict ? match.unexpected.map((name) => `unexpected ${name}`) : []),
    ...match.pairs.flatMap((pair) => mismatches(pair, tensors)),
  ];
  if (problems.length === 0) return match;
  const other = otherNetwork(subject, tensors);
  if (other !== undefined) throw other;
  const count = problems.length === 1 ? '1 tensor' : `${problems.length} tensors`;
  throw new ResNetError(
    'ERR_WEIGHTS_MISMATCH',
    `${subject} does not fit the network, read by the naming '${chosen}': ${count}: ${listFirst(problems)}.`,
  );
}

/** The first ten items, and how many more there are. */
export function listFirst(items: readonly string[]): string {
  const rest = items.length > MAX_LISTED ? `; and ${items.length - MAX_LISTED} more` : '';
  return `${items.slice(0, MAX_LISTED).join('; ')}${rest}`;
}

/** How well a naming fits: names that are present, less those that are missing and those that are unexpected. */
export function fitScore(
  naming: Naming,
  articleNames: readonly string[],
  tensors: ReadonlyMap<string, TensorInfo>,
): number {
  const names = namesIn(naming, articleNames);
  const present = names.filter((name) => tensors.has(name)).length;
  const required = names.filter((name) => !isCounter(name)).length;
  return present - Math.max(0, required - present) - (tensors.size - present);
}

function bestNaming(articleNames: readonly string[], tensors: ReadonlyMap<string, TensorInfo>): Naming {
  const scores = ALL_NAMINGS.map((naming) => fitScore(naming, articleNames, tensors));
  return ALL_NAMINGS[scores.indexOf(Math.max(...scores))] as Naming;
}

function pairTensors(
  spec: readonly StateSpec[],
  names: readonly string[],
  tensors: ReadonlyMap<string, TensorInfo>,
  naming: Naming,
): Match {
  const match: Match = { naming, pairs: [], missing: [], untracked: [], unexpected: [] };
  spec.forEach(({ name, shape }, i) => {
    const source = names[i] as string;
    if (tensors.has(source)) {
      match.pairs.push({ name, shape, source, transposed: name === 'fc.weight' && storesTransposed(naming) });
    } else {
      (isCounter(name) ? match.untracked : match.missing).push(isCounter(name) ? name : source);
    }
  });
  const known = new Set(names);
  match.unexpected = [...tensors.keys()].filter((name) => !known.has(name));
  return match;
}

function mismatches(pair: TensorPair, tensors: ReadonlyMap<string, TensorInfo>): string[] {
  const { dtype, shape } = tensors.get(pair.source) as TensorInfo;
  const expected = pair.transposed ? [...pair.shape].reverse() : pair.shape;
  if (shape.length !== expected.length || shape.some((dimension, i) => dimension !== expected[i])) {
    return [`${pair.source} must have the shape [${expected.join(', ')}], but has [${shape.join(', ')}]`];
  }
  if (isCounter(pair.name) ? dtype !== undefined : FLOATS.has(dtype)) return [];
  const kind = isCounter(pair.name) ? 'a number' : 'floating-point values';
  return [`${pair.source} must hold ${kind}, but holds ${dtype ?? 'a type that is not read'}`];
}

const isCounter = (name: string): boolean => name.endsWith('.num_batches_tracked');
