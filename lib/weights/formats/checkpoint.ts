import { inspect } from '../../errors';
import { FormatViolation } from './pickle-values';

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
const AVERAGED = 'n_averaged';

/**
 * The tensors of a state dict, or of the state dict in a checkpoint, by name without the prefixes that wrappers add.
 *
 * @param root - the unpickled object
 * @param isTensor - selects tensors; other values are left out
 */
export function stateDictOf<T>(root: unknown, isTensor: (value: unknown) => value is T): Map<string, T> {
  if (!(root instanceof Map)) throw new FormatViolation('holds no dict');
  const direct = tensorsIn(root, isTensor);
  if (direct.size > 0) return stripPrefixes(direct);
  for (const key of STATE_DICT_KEYS) {
    const inner: unknown = root.get(key);
    const tensors = inner instanceof Map ? tensorsIn(inner, isTensor) : undefined;
    if (tensors !== undefined && tensors.size > 0) return stripPrefixes(tensors);
  }
  throw new FormatViolation(`holds no state dict, but a dict of ${inspect([...root.keys()])}`);
}

function tensorsIn<T>(dict: ReadonlyMap<unknown, unknown>, isTensor: (value: unknown) => value is T): Map<string, T> {
  const tensors = new Map<string, T>();
  for (const [name, value] of dict) if (typeof name === 'string' && isTensor(value)) tensors.set(name, value);
  return tensors;
}

function stripPrefixes<T>(tensors: Map<string, T>): Map<string, T> {
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
