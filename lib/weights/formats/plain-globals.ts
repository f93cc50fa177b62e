import { globals, Opaque, Refusal, type Call, type Globals } from './pickle-values';

/** OrderedDict: empty, or of a list of pairs as old Pythons wrote it. */
function orderedDict([pairs = []]: readonly unknown[]): Map<unknown, unknown> {
  const dict = new Map<unknown, unknown>();
  if (!Array.isArray(pairs)) throw new Refusal('has a dict made of no list');
  for (const pair of pairs as unknown[]) {
    if (!Array.isArray(pair) || pair.length !== 2) throw new Refusal('has a dict made of no pairs');
    const [key, value] = pair as [unknown, unknown];
    if (dict.has(key)) throw new Refusal('has a dict with a key twice');
    dict.set(key, value);
  }
  return dict;
}

/** Containers and plain data of Python's own, which stand in checkpoints beside the tensors. */
export const PLAIN: Globals = globals({
  'collections.OrderedDict': orderedDict,
  'collections.defaultdict': () => new Map(),
  'argparse.Namespace': () => new Opaque('a Namespace'),
  ...Object.fromEntries<Call>(
    ['builtins', '__builtin__'].flatMap((module) => [
      [`${module}.dict`, () => new Map()],
      [`${module}.list`, (args) => listed(args)],
      [`${module}.tuple`, (args) => Object.freeze(listed(args))],
      [`${module}.set`, (args) => new Set(listed(args))],
      [`${module}.frozenset`, (args) => new Set(listed(args))],
      [`${module}.bytearray`, () => new Opaque('a bytearray')],
    ]),
  ),
});

/** What list(x), tuple(x) and set(x) are made of. */
function listed([items = []]: readonly unknown[]): unknown[] {
  if (!Array.isArray(items)) throw new Refusal('has a list made of no list');
  return [...(items as unknown[])];
}
