import { globals, Opaque, FormatViolation, type Call, type Globals } from './pickle-values';

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

/** Python's containers and plain data, which checkpoints hold besides tensors. */
export const PLAIN: Globals = globals({
  'collections.OrderedDict': orderedDict,
  'collections.defaultdict': () => new Map(),
  'argparse.Namespace': () => new Opaque('a Namespace'),
  ...Object.fromEntries<Call>(
    ['builtins', '__builtin__'].flatMap((module) => [
      [`${module}.dict`, () => new Map()],
      [`${module}.list`, (args) => itemsOf(args)],
      [`${module}.tuple`, (args) => Object.freeze(itemsOf(args))],
      [`${module}.set`, (args) => new Set(itemsOf(args))],
      [`${module}.frozenset`, (args) => new Set(itemsOf(args))],
      [`${module}.bytearray`, () => new Opaque('a bytearray')],
    ]),
  ),
});

/** The items of list(x), tuple(x) and set(x). */
function itemsOf([items = []]: readonly unknown[]): unknown[] {
  if (!Array.isArray(items)) throw new FormatViolation('has a list made of no list');
  return [...(items as unknown[])];
}
