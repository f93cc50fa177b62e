import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TARGETS } from '../fuzz/targets';
import { root } from '../support/node';

/** What documents say is tested, is there to be run. */
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const exists = (path: string): boolean => existsSync(join(root, path));
const quoted = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);

test('every test that SECURITY.md names is there', () => {
  const named = [...read('SECURITY.md').matchAll(/`(test\/[\w/.-]+\.test\.ts)`/g)].map(([, path]) => path!);
  expect(named.length).toBeGreaterThan(10);
  for (const path of named) expect(read(path)).toMatch(/\btest\b/);
});

const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
const targets = TARGETS.map(({ name }) => name);

/** Of a table, found by its first columns' titles: the cells of its rows. */
function table(text: string, titles: string): string[][] {
  const lines = text.split('\n').map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
  const first = lines.findIndex((cells) => cells.join('|').startsWith(titles)) + 2;
  const end = lines.findIndex((cells, i) => i > first && cells.length === 0);
  return first < 2 ? [] : lines.slice(first, end < 0 ? undefined : end);
}

/** `npm run NAME …`, `node FILE …`, a path (a test's without its end, too), or a file beside that of the name before. */
function isThere(name: string, before = ''): boolean {
  const [, npm, node] = /^(?:npm run ([\w:]+)|node (\S+))/.exec(name) ?? [];
  if (npm !== undefined) return Object.hasOwn(scripts, npm);
  return (
    [node ?? name, `${name}.test.ts`].some(exists) || (/\.test\.ts$/.test(name) && exists(join(before, '..', name)))
  );
}

/** A folder or file below test/, a script of npm's, or a program of bench/. */
const isShortFor = (name: string): boolean =>
  [`test/${name}`, `test/${name}.test.ts`, `${name}.mjs`].some(exists) || Object.hasOwn(scripts, name);

/** What docs/reliability.md names and is not there. */
function missing(text: string): string[] {
  const promises = table(text, 'Promise|Tested by');
  const capabilities = table(text, 'Capability|Right answers');
  const found = table(text, 'Fault|Commit');
  expect([promises.length > 8, capabilities.length > 5, found.length > 15]).toEqual([true, true, true]);

  const wrong = promises.flatMap(([, by, measured]) => {
    const names = quoted(by!);
    const fuzzed = names.includes('test/fuzz') ? quoted(measured!) : [];
    const absent = names.filter((name, i) => !isThere(name, names[i - 1]));
    return [...absent, ...fuzzed.filter((name) => !targets.includes(name))];
  });
  for (const cell of capabilities.flatMap((cells) => cells.slice(1))) {
    const ofFuzz = [...cell.matchAll(/`fuzz` \(([^)]*)\)/g)].flatMap(([, inner]) => quoted(inner!));
    wrong.push(...ofFuzz.filter((name) => !targets.includes(name)));
    wrong.push(...quoted(cell.replace(/\([^)]*\)/g, '')).filter((name) => !isShortFor(name)));
  }
  const commits = found.flatMap((cells) => cells[1]!.split(', '));
  return [...wrong, ...commits.filter((commit) => !/^[0-9a-f]{7,40}$/.test(commit))];
}

test('every test, script and target that docs/reliability.md names is there; its commits are such', () => {
  expect(missing(read('docs/reliability.md'))).toEqual([]);
});

test.each([
  ['a script of npm', '`npm run abuse -- ', '`npm run abus -- ', 'npm run abus -- --minutes N'],
  ['a program', '`node bench/soak.mjs ', '`node bench/soap.mjs ', 'node bench/soap.mjs --minutes 10'],
  ['a test', '`test/determinism.test.ts`', '`test/determined.test.ts`', 'test/determined.test.ts'],
  ['one beside another', '`memory-limit.test.ts`', '`memory-limits.test.ts`', 'memory-limits.test.ts'],
  ['a folder', '`native/test`', '`native/tests`', 'native/tests'],
  ['a target that was run', '`pickle`', '`pickles`', 'pickles'],
  ['a short name', '`endurance/faults` (', '`endurance/fault` (', 'endurance/fault'],
  ['a target', '`fuzz` (`tensor`', '`fuzz` (`tensors`', 'tensors'],
  ['a commit', '2397853', '239785x', '239785x'],
])('%s that is not there is found', (_, name, other, wrong) => {
  const text = read('docs/reliability.md');
  expect(text).toContain(name);
  expect(missing(text.replace(name, other))).toEqual([wrong]);
});
