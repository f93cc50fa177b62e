import { show } from '../../errors';
import { Refusal } from './pickle-values';

/**
 * Where a checkpoint keeps its state dict, the first that is there: averaged weights before the last step's, as timm
 * does, since those are what was evaluated.
 */
const PLACES = [
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

/** What DataParallel, torch.compile and Lightning put before every name, in any order and number. */
const PREFIXES = ['module.', '_orig_mod.', 'model.'];

/** A counter of torch's AveragedModel beside the weights that it averages. */
const AVERAGED = 'n_averaged';

/**
 * The tensors of a state dict, or of the one within a checkpoint, by their names without what wrappers add.
 *
 * @param root - what was unpickled
 * @param isTensor - what else stands in a state dict is plain data, and left out
 */
export function stateDictOf<T>(root: unknown, isTensor: (value: unknown) => value is T): Map<string, T> {
  if (!(root instanceof Map)) throw new Refusal('holds no dict');
  const own = tensorsIn(root, isTensor);
  if (own.size > 0) return withoutPrefixes(own);
  for (const place of PLACES) {
    const inner: unknown = root.get(place);
    const tensors = inner instanceof Map ? tensorsIn(inner, isTensor) : undefined;
    if (tensors !== undefined && tensors.size > 0) return withoutPrefixes(tensors);
  }
  throw new Refusal(`holds no state dict, but a dict of ${show([...root.keys()])}`);
}

function tensorsIn<T>(dict: ReadonlyMap<unknown, unknown>, isTensor: (value: unknown) => value is T): Map<string, T> {
  const tensors = new Map<string, T>();
  for (const [name, value] of dict) if (typeof name === 'string' && isTensor(value)) tensors.set(name, value);
  return tensors;
}

function withoutPrefixes<T>(tensors: Map<string, T>): Map<string, T> {
  const wrapped = [...tensors].filter(([name]) => name !== AVERAGED);
  let names = wrapped.map(([name]) => name);
  for (;;) {
    const prefix = PREFIXES.find((one) => names.length > 0 && names.every((name) => name.startsWith(one)));
    if (prefix === undefined) break;
    names = names.map((name) => name.slice(prefix.length));
  }
  if (names[0] === wrapped[0]?.[0]) return tensors;
  return new Map(wrapped.map(([, tensor], i) => [names[i] as string, tensor]));
}
