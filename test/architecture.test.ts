import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './support/node';

type Edge = readonly [from: string, to: string];
/** A drawing: layers from the top, each a list of units, each a list of folders (ending with a slash) and files. */
type Drawing = readonly (readonly (readonly string[])[])[];

/**
 * The ```layers block of ARCHITECTURE.md: blank lines between the layers, one unit per line, its paths first. A path
 * belongs to the longest entry that covers it, so a folder inside a unit can have a line of its own.
 */
function parseDrawing(markdown: string): Drawing {
  const text = /^```layers\n([^]*?)^```$/m.exec(markdown)?.[1];
  if (text === undefined) throw new Error('ARCHITECTURE.md has no ```layers block');
  const paths = (line: string): string[] => /^((?:lib|native)\/\S* *)*/.exec(line)![0].split(' ').filter(Boolean);
  return text.split(/\n{2,}/).map((layer) =>
    layer
      .split('\n')
      .map(paths)
      .filter(({ length }) => length > 0),
  );
}

/** What a drawing forbids: imports upward or sideways, cycles, and files that it does not list. */
function violations(drawing: Drawing, edges: readonly Edge[]): string[] {
  const units = drawing.flatMap((layer, level) =>
    layer.flatMap((paths) => paths.map((path) => ({ path, level, unit: paths[0]! }))),
  );
  const unitOf = (file: string): (typeof units)[number] | undefined =>
    units
      .filter(({ path }) => (path.endsWith('/') ? file.startsWith(path) : file === path))
      .sort((a, b) => b.path.length - a.path.length)[0];
  const files = [...new Set(edges.flat())];
  const undrawn = files.filter((file) => unitOf(file) === undefined).map((file) => `${file} is not in the drawing`);
  const wrong = edges.filter(([from, to]) => {
    const [a, b] = [unitOf(from), unitOf(to)];
    return a !== undefined && b !== undefined && a.unit !== b.unit && b.level <= a.level;
  });
  return [
    ...undrawn,
    ...wrong.map(([from, to]) => `${from} uses ${to}`),
    ...cycles(edges).map((files) => files.join(' > ')),
  ];
}

/** One cycle for each edge that closes one. */
function cycles(edges: readonly Edge[]): string[][] {
  const targets = new Map<string, string[]>();
  for (const [from, to] of edges) targets.set(from, [...(targets.get(from) ?? []), to]);
  const found: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) found.push([...path.slice(at), file]);
    if (at >= 0 || done.has(file)) return;
    for (const next of targets.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return found;
}

interface Cruised {
  modules: { source: string; dependencies: { resolved: string; couldNotResolve: boolean }[] }[];
}

/** Every import of lib/, of types too, as dependency-cruiser finds them. */
async function imports(): Promise<Edge[]> {
  const bin = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
  const { code, stdout, stderr } = await run(process.execPath, [bin, 'lib', '--output-type', 'json']);
  if (code !== 0) throw new Error(stderr);
  const { modules } = JSON.parse(stdout) as Cruised;
  const all = modules.flatMap(({ source, dependencies }) => dependencies.map((to) => ({ source, ...to })));
  expect(all.filter(({ couldNotResolve }) => couldNotResolve)).toEqual([]);
  return all.map(({ source, resolved }) => [source, resolved]);
}

/** Every `#include "…"` of native/. */
function includes(): Edge[] {
  return readdirSync(join(root, 'native'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(h|cpp)$/.test(file))
    .flatMap((file) => {
      const text = readFileSync(join(root, 'native', file), 'utf8');
      return [...text.matchAll(/#include "([^"]+)"/g)].map(([, used]): Edge => [`native/${file}`, `native/${used!}`]);
    });
}

const drawing = parseDrawing(readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8'));

test('lib/: no cycle, and no import upward in the drawing', async () => {
  const edges = await imports();
  expect(edges.length).toBeGreaterThan(300);
  expect(violations(drawing, edges)).toEqual([]);
});

test('native/: no cycle, and no include upward in the drawing', () => {
  const edges = includes();
  expect(edges.length).toBeGreaterThan(100);
  expect(violations(drawing, edges)).toEqual([]);
});

test('every folder of lib/ and native/, and every file beside them, is drawn; what is drawn is there', () => {
  const there = ['lib', 'native'].flatMap((folder) =>
    readdirSync(join(root, folder), { withFileTypes: true }).map(
      (entry) => `${folder}/${entry.name}${entry.isDirectory() ? '/' : ''}`,
    ),
  );
  const drawn = drawing.flat(2);
  const topLevel = drawn.filter((path) => /^[^/]+\/[^/]+\/?$/.test(path));
  expect(topLevel.sort()).toEqual(there.sort());
  expect(drawn).toEqual([...new Set(drawn)]);
});

describe('the check', () => {
  const sample = parseDrawing('```layers\nlib/a/  above\nlib/x.ts lib/y.ts  two files\n\nlib/b/\nlib/a/low/\n```\n');

  test.each<[string, Edge[], string[]]>([
    [
      'down, and inside a unit',
      [
        ['lib/a/1.ts', 'lib/b/2.ts'],
        ['lib/x.ts', 'lib/y.ts'],
        ['lib/a/1.ts', 'lib/a/low/3.ts'],
      ],
      [],
    ],
    ['up', [['lib/b/2.ts', 'lib/a/1.ts']], ['lib/b/2.ts uses lib/a/1.ts']],
    ['up, to the folder around it', [['lib/a/low/3.ts', 'lib/a/1.ts']], ['lib/a/low/3.ts uses lib/a/1.ts']],
    ['sideways', [['lib/a/1.ts', 'lib/x.ts']], ['lib/a/1.ts uses lib/x.ts']],
    ['to nowhere', [['lib/a/1.ts', 'lib/c.ts']], ['lib/c.ts is not in the drawing']],
    [
      'in a cycle',
      [
        ['lib/b/1.ts', 'lib/b/2.ts'],
        ['lib/b/2.ts', 'lib/b/1.ts'],
      ],
      ['lib/b/1.ts > lib/b/2.ts > lib/b/1.ts'],
    ],
  ])('an arrow %s', (_, edges, expected) => {
    expect(violations(sample, edges)).toEqual(expected);
  });
});
