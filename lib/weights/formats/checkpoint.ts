import { inspect } from '../../errors';
import { refusedGlobal } from './pickle';
import { FormatViolation } from './pickle-values';
import type { WeightEntry } from './weight-file';

/** What is known of a tensor before its values are read. */
type Described = Pick<WeightEntry, 'dtype' | 'shape'>;

/** A dict of named tensors in a file. */
export interface StateDict<T extends Described = Described> {
  /** Where it is in a checkpoint, as a prefix of its names: `state_dict.`; empty if it is the file itself. */
  place: string;
  tensors: ReadonlyMap<string, T>;
}

/** Picks the tensors to read, and the names that they get. Called once, before any of them is located in the file. */
export type Choose = <T extends Described>(dicts: readonly StateDict<T>[]) => ReadonlyMap<string, T>;

/**
 * The keys of a checkpoint that may hold its state dict, in order of preference: averaged weights first, as in timm,
 * because those are the ones that were evaluated.
 */
const STATE_DICT_KEYS = [
  'state_dict_ema',
  'model_ema',
  'ema_state_dict',
  'state_dict',
  'model_state_dict',
  'model_state',
  'model',
  'net',
  'network',
  'module',
  'params',
  'weights',
];

/** Prefixes that DataParallel, torch.compile and Lightning add to every name, in any order and number. */
const PREFIXES = ['module.', '_orig_mod.', 'model.'];

/** A counter that torch's AveragedModel stores beside the weights. */
export const AVERAGED = 'n_averaged';

/** How deep in dicts and lists a state dict is looked for. */
const MAX_DEPTH = 3;

/** Position of a state dict in the order of preference; the lower, the better. */
export function rankOf({ place }: StateDict): number {
  const at = STATE_DICT_KEYS.indexOf(place.slice(0, -1));
  return at < 0 ? STATE_DICT_KEYS.length : at;
}

/**
 * All dicts with tensors in an unpickled object: itself, or those in its dicts and lists, with the outer ones first.
 *
 * @param isTensor - selects tensors; other values are left out
 * @param inert - the names of the globals that became inert values
 * @throws FormatViolation if there is none; ERR_WEIGHTS_GLOBAL if objects of other programs are all there is
 */
export function stateDictsOf<T extends Described, V>(
  root: unknown,
  { isTensor, describe }: { isTensor: (value: unknown) => value is V; describe: (value: V) => T },
  { path, inert }: { path: string; inert: ReadonlySet<string> },
): StateDict<T>[] {
  const dicts: StateDict<T>[] = [];
  // Each container is looked at once, however often the pickle refers to it.
  const seen = new Set<unknown>([root]);
  let level: [place: string, container: unknown][] = [['', root]];
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
    const next: [string, unknown][] = [];
    for (const [place, container] of level) {
      const tensors = new Map<string, T>();
      for (const [key, value] of itemsOf(container)) {
        if (isTensor(value)) {
          if (container instanceof Map) tensors.set(key, describe(value));
        } else if ((value instanceof Map || Array.isArray(value)) && !seen.has(value)) {
          seen.add(value);
          next.push([`${place}${key}.`, value]);
        }
      }
      if (tensors.size > 0) dicts.push({ place, tensors });
    }
    level = next;
  }
  if (dicts.length > 0) return dicts;
  const [first] = inert;
  if (first !== undefined) throw refusedGlobal(path, first);
  if (!(root instanceof Map)) throw new FormatViolation('holds no dict');
  throw new FormatViolation(`holds no state dict, but a dict of ${inspect([...root.keys()])}`);
}

function* itemsOf(container: unknown): Generator<[string, unknown]> {
  if (container instanceof Map) {
    for (const [key, value] of container as Map<unknown, unknown>) if (typeof key === 'string') yield [key, value];
  } else if (Array.isArray(container)) {
    for (const [i, value] of container.entries()) yield [String(i), value];
  }
}

/**
 * The tensors of the state dict that a file is about, by name without the prefixes that wrappers add: the one at the
 * best of the usual keys, or else the largest.
 */
export const chooseMain: Choose = (dicts) => stripPrefixes(mainDict(dicts).tensors);

/** As {@link chooseMain}, with the names as they are. */
export const chooseUnchanged: Choose = (dicts) => mainDict(dicts).tensors;

/** The state dict that a file is about. */
export function mainDict<T extends Described>(dicts: readonly StateDict<T>[]): StateDict<T> {
  const [best, second] = [...dicts].sort((a, b) => rankOf(a) - rankOf(b) || b.tensors.size - a.tensors.size);
  if (best === undefined) throw new FormatViolation('holds no state dict');
  if (second !== undefined && rankOf(second) === rankOf(best) && second.tensors.size === best.tensors.size) {
    throw new FormatViolation(`holds several state dicts, at ${inspect(dicts.map(({ place }) => place))}`);
  }
  return best;
}

/** The chosen ones of a file whose tensors are in no dict. */
export function chooseEntries(entries: readonly WeightEntry[], choose: Choose): WeightEntry[] {
  const tensors = new Map(entries.map((entry) => [entry.name, entry]));
  return [...choose([{ place: '', tensors }])].map(([name, entry]) => ({ ...entry, name }));
}

function stripPrefixes<T>(tensors: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  const wrapped = [...tensors].filter(([name]) => name !== AVERAGED);
  let names = wrapped.map(([name]) => name);
  for (;;) {
    const prefix = PREFIXES.find((prefix) => names.length > 0 && names.every((name) => name.startsWith(prefix)));
    if (prefix === undefined) break;
    names = names.map((name) => name.slice(prefix.length));
  }
  if (names[0] === wrapped[0]?.[0]) return tensors;
  return new Map(wrapped.map(([, tensor], i) => [names[i] as string, tensor]));
}
