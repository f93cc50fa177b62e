import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { root } from './support/node';

/** ARCHITECTURE.md's picture, from below: a file uses its own layer and those before it. */
const LIB = [
  ['errors', 'check', 'regular-file', 'whole-file', 'half', 'depths'],
  ['tensor'],
  ['native', 'weights', 'client'],
  ['devices', 'parameter-count'],
  ['module'],
  ['module-internals'],
  ['calibration', 'optimized'],
  ['blocks', 'resnet', 'summary'],
  ['image'],
  ['job'],
  ['index'],
  ['serve'],
  ['esm', 'cli'],
];
const NATIVE = [
  ['error', 'precompiled'],
  ['system'],
  ['model', 'image'],
  ['runtime'],
  ['inference'],
  ['addon', 'test'],
];

/** Neighbors in a layer that know nothing of each other. */
const STRANGERS = new Set([
  'native weights',
  'weights native',
  'client native',
  'client weights',
  'native client',
  'weights client',
  'model image',
  'image model',
  'test addon',
]);

/** The part of the picture that a path below lib/ or native/ belongs to. */
const part = (path: string): string => path.split('/')[0]!.replace(/\..*$/, '');

function breaches(folder: string, layers: readonly string[][], uses: RegExp, relative: boolean): string[] {
  const rank = (name: string): number => layers.findIndex((layer) => layer.includes(name));
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|mts|h|cpp)$/.test(basename(file)))
    .flatMap((file) => {
      const text = readFileSync(join(root, folder, file), 'utf8');
      return [...text.matchAll(uses)].map(([, used]) => [file, relative ? join(dirname(file), used!) : used!] as const);
    })
    .filter(([file, used]) => {
      const [from, to] = [part(file), part(used)];
      const known = rank(from) >= 0 && rank(to) >= 0;
      return !known || rank(to) > rank(from) || STRANGERS.has(`${from} ${to}`);
    })
    .map(([file, used]) => `${file} uses ${used}`);
}

test('lib/: dependencies point one way', () => {
  expect(breaches('lib', LIB, /(?:from|import\() ?'(\.[^']+)'/g, true)).toEqual([]);
});

test('native/: dependencies point one way', () => {
  expect(breaches('native', NATIVE, /#include "([^"]+)"/g, false)).toEqual([]);
});
