import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { temporaryFolder } from '../support/files';
import { typedProgram } from './consumers';
import { INSTALL_FLAGS, npm, pack } from './npm';

// Everything that a consumer's compiler checks, declarations included (no skipLibCheck), with the @types/node and the
// module settings of the day.

const app = temporaryFolder();
const FILES = ['typed.cts', 'typed.mts', 'typed.ts'] as const;
let majors: number[];

beforeAll(async () => {
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true }));
  for (const file of FILES) writeFileSync(join(app, file), typedProgram());
  const published = JSON.parse(await npm(['view', '@types/node', 'versions', '--json'], app)) as string[];
  const newest = new Map(published.map((version) => [parseInt(version), version]));
  majors = [...newest.keys()].filter((major) => major >= 20 && major <= 26);
  // Each in a folder that can be a typeRoots.
  const types = majors.map((major) => `@types-${major}/node@npm:@types/node@${newest.get(major)!}`);
  await npm(['install', ...INSTALL_FLAGS, join(app, (await pack(app)).filename), ...types], app);
}, 120_000);

/** Files parsed by earlier programs of the same module settings. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/** What the compiler reports, as `file: message`. */
function problems(files: readonly string[], major: number, settings: Settings): string[] {
  const json = {
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    skipDefaultLibCheck: true, // the compiler's own
    target: 'es2022',
    types: ['node'],
    typeRoots: [join(app, 'node_modules', `@types-${major}`)],
    ...settings,
  };
  const { options, errors } = ts.convertCompilerOptionsFromJson(json, app);
  expect(errors).toEqual([]);
  const host = ts.createCompilerHost(options);
  host.getCurrentDirectory = () => app;
  const parse = host.getSourceFile.bind(host);
  host.getSourceFile = (file, ...rest) => {
    const key = `${JSON.stringify(settings)} ${file}`;
    if (!parsed.has(key)) parsed.set(key, parse(file, ...rest));
    return parsed.get(key);
  };
  const program = ts.createProgram(
    files.map((file) => join(app, file)),
    options,
    host,
  );
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ file, messageText }) => `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`);
}

/** As in a tsconfig.json. */
type Settings = Readonly<Record<string, string>>;

const SETTINGS: [string, readonly string[], Settings][] = [
  ['node16', ['typed.cts', 'typed.mts'], { module: 'node16' }],
  ['bundler', ['typed.ts'], { module: 'esnext', moduleResolution: 'bundler' }],
  ['commonjs', ['typed.ts'], { module: 'commonjs' }],
  [
    'commonjs, resolved as by TypeScript 5',
    ['typed.ts'],
    { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' },
  ],
  ['nodenext and a target of ES2020', ['typed.cts', 'typed.mts'], { module: 'nodenext', target: 'es2020' }],
];

test('the types compile with every @types/node from 20 to 26', () => {
  expect(majors).toEqual(expect.arrayContaining([20, 22, 24]));
  const found = majors.map((major) => [major, problems(['typed.cts', 'typed.mts'], major, { module: 'nodenext' })]);
  expect(found).toEqual(majors.map((major) => [major, []]));
});

test.each(SETTINGS)('the types compile with module %s', (_name, files, settings) => {
  for (const major of [majors.at(0)!, majors.at(-1)!]) expect(problems(files, major, settings)).toEqual([]);
});
