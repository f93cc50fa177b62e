import { badArgument, ResNetError } from '../../errors';
import type { DType } from '../../tensor';
import type { StateSpec } from './article';
import { ALL_NAMINGS, checkNaming, namesIn, storesTransposed, type Naming } from './namings';
import { otherNetwork } from './other-networks';

/** Options of {@link Module.loadStateDict} and of {@link ResNet.load}. */
export interface LoadOptions {
  /** True (default): missing and unexpected tensors are an error. */
  strict?: boolean | undefined;
  /** How the tensors are named. Default: 'auto', the naming that fits best. */
  naming?: Naming | 'auto' | undefined;
  /**
   * Called, once all is loaded, with a sentence that lists the tensors with values that are NaN or infinite. They
   * load all the same. Default: no value is looked at.
   */
  onWarning?: ((message: string) => void) | undefined;
}

/** What loading found. */
export interface LoadReport {
  /** The naming that was found, or asked for. */
  naming: Naming;
  /** Tensors of the module that were not given, by the names that `naming` has for them. */
  missing: string[];
  /** Names given that the module has no tensor for. */
  unexpected: string[];
}

/** A tensor given: `dtype` undefined where it is none of ours. */
export interface Given {
  dtype: DType | undefined;
  shape: readonly number[];
}

export interface Match extends LoadReport {
  /** Article names, and the names under which their tensors were given. */
  pairs: { name: string; shape: readonly number[]; given: string; transposed: boolean }[];
  /** Counters that were not given: PaddlePaddle has none, and they count from 0 then. */
  untracked: string[];
}

const FLOATS: ReadonlySet<string | undefined> = new Set(['float32', 'float64', 'float16', 'bfloat16']);
const MAX_LISTED = 10;

/**
 * Finds for each tensor of a module the one given for it, and makes sure that it fits.
 *
 * @param subject - what is loaded, for the message: a path, or `The state`
 * @throws ERR_WEIGHTS_MISMATCH, one error that lists what is missing, unexpected or misshapen; ERR_UNSUPPORTED_MODEL
 *   where what does not fit looks like another network
 */
export function matchState(
  subject: string,
  spec: readonly StateSpec[],
  given: ReadonlyMap<string, Given>,
  { strict = true, naming = 'auto', onWarning }: LoadOptions,
): Match {
  if (typeof strict !== 'boolean') throw badArgument('strict', 'a boolean', strict);
  if (onWarning !== undefined && typeof onWarning !== 'function') {
    throw badArgument('onWarning', 'a function', onWarning);
  }
  const names = spec.map(({ name }) => name);
  const wanted = checkNaming(naming);
  const chosen = wanted === 'auto' ? bestNaming(names, given) : wanted;
  const match = pairUp(spec, namesIn(chosen, names), given, chosen);
  const problems = [
    ...(strict ? match.missing.map((name) => `missing ${name}`) : []),
    ...(strict ? match.unexpected.map((name) => `unexpected ${name}`) : []),
    ...match.pairs.flatMap((pair) => misfit(pair, given)),
  ];
  if (problems.length === 0) return match;
  const other = otherNetwork(subject, given);
  if (other !== undefined) throw other;
  const listed = listSome(problems);
  const count = problems.length === 1 ? '1 tensor' : `${problems.length} tensors`;
  throw new ResNetError(
    'ERR_WEIGHTS_MISMATCH',
    `${subject} does not fit the network, read by the naming '${chosen}': ${count}: ${listed}.`,
  );
}

/** The first ten, and how many more. */
export function listSome(items: readonly string[]): string {
  const rest = items.length > MAX_LISTED ? `; and ${items.length - MAX_LISTED} more` : '';
  return `${items.slice(0, MAX_LISTED).join('; ')}${rest}`;
}

/** How many of a module's names are given, less those that are not and those given that it lacks. */
export function fit(naming: Naming, articleNames: readonly string[], given: ReadonlyMap<string, Given>): number {
  const names = namesIn(naming, articleNames);
  const present = names.filter((name) => given.has(name)).length;
  const needed = names.filter((name) => !isCounter(name)).length;
  return present - Math.max(0, needed - present) - (given.size - present);
}

function bestNaming(articleNames: readonly string[], given: ReadonlyMap<string, Given>): Naming {
  const fits = ALL_NAMINGS.map((naming) => fit(naming, articleNames, given));
  return ALL_NAMINGS[fits.indexOf(Math.max(...fits))] as Naming;
}

function pairUp(
  spec: readonly StateSpec[],
  names: readonly string[],
  given: ReadonlyMap<string, Given>,
  naming: Naming,
): Match {
  const match: Match = { naming, pairs: [], missing: [], untracked: [], unexpected: [] };
  spec.forEach(({ name, shape }, i) => {
    const source = names[i] as string;
    if (given.has(source)) {
      match.pairs.push({ name, shape, given: source, transposed: name === 'fc.weight' && storesTransposed(naming) });
    } else {
      (isCounter(name) ? match.untracked : match.missing).push(isCounter(name) ? name : source);
    }
  });
  const known = new Set(names);
  match.unexpected = [...given.keys()].filter((name) => !known.has(name));
  return match;
}

function misfit(pair: Match['pairs'][number], given: ReadonlyMap<string, Given>): string[] {
  const tensor = given.get(pair.given) as Given;
  const needed = pair.transposed ? [...pair.shape].reverse() : pair.shape;
  if (tensor.shape.length !== needed.length || tensor.shape.some((dimension, i) => dimension !== needed[i])) {
    return [`${pair.given} must have the shape [${needed.join(', ')}], but has [${tensor.shape.join(', ')}]`];
  }
  if (isCounter(pair.name) ? tensor.dtype !== undefined : FLOATS.has(tensor.dtype)) return [];
  const kind = isCounter(pair.name) ? 'a number' : 'floating-point values';
  return [`${pair.given} must hold ${kind}, but holds ${tensor.dtype ?? 'a type that is not read'}`];
}

const isCounter = (name: string): boolean => name.endsWith('.num_batches_tracked');
