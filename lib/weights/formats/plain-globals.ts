import { Global, globals, INERT, FormatViolation, type Call, type Globals } from './pickle-values';

/** OrderedDict: without arguments, or with a list of pairs as old versions of Python wrote it. */
function orderedDict([pairs = []]: readonly unknown[]): Map<unknown, unknown> {
  const dict = new Map<unknown, unknown>();
  if (!Array.isArray(pairs)) throw new FormatViolation('has a dict made of no list');
  for (const pair of pairs as unknown[]) {
    if (!Array.isArray(pair) || pair.length !== 2) throw new FormatViolation('has a dict made of no pairs');
    const [key, value] = pair as [unknown, unknown];
    if (dict.has(key)) throw new FormatViolation('has a dict with a key twice');
    dict.set(key, value);
  }
  return dict;
}

/** functools.partial of a global, the only callables that a file can name. */
function partial([callee]: readonly unknown[]): object {
  if (callee !== INERT && !(callee instanceof Global)) throw new FormatViolation('has a partial of no global');
  return INERT;
}

const inert: Call = () => INERT;

/** Built-in types of plain values; also named without being called, as the `type` of an argument for instance. */
const BUILTIN_TYPES =
  'bytearray bytes str unicode int long float bool complex slice range xrange object Ellipsis'.split(' ');

/** Python's containers and plain data, which checkpoints hold besides tensors. */
export const PLAIN: Globals = globals({
  'collections.OrderedDict': orderedDict,
  'collections.defaultdict': () => new Map(),
  'argparse.Namespace': inert,
  'types.SimpleNamespace': inert,
  'functools.partial': partial,
  ...Object.fromEntries<Call>(
    ['builtins', '__builtin__'].flatMap((module) => [
      [`${module}.dict`, () => new Map()],
      [`${module}.list`, (args) => itemsOf(args)],
      [`${module}.tuple`, (args) => Object.freeze(itemsOf(args))],
      [`${module}.set`, (args) => new Set(itemsOf(args))],
      [`${module}.frozenset`, (args) => new Set(itemsOf(args))],
      ...BUILTIN_TYPES.map((name): [string, Call] => [`${module}.${name}`, inert]),
    ]),
  ),
});

/** The items of list(x), tuple(x) and set(x). */
function itemsOf([items = []]: readonly unknown[]): unknown[] {
  if (!Array.isArray(items)) throw new FormatViolation('has a list made of no list');
  return [...(items as unknown[])];
}
