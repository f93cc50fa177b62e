import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from '../support/node';

const folder = join(root, 'test', 'types');
const [accepted, refused, expectFile] = ['accepted.ts', 'refused.ts', 'expect.ts'].map((name) => join(folder, name));
const read = (file: string): string => readFileSync(file, 'utf8');
const count = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length;

const config = ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.json'), undefined, {
  ...ts.sys,
  onUnRecoverableConfigFileDiagnostic: (problem) => {
    throw new Error(ts.flattenDiagnosticMessageText(problem.messageText, '\n'));
  },
})!;

/** The lines that do not compile, test/types being as it is except for `changed`. */
function errors(changed: Record<string, string> = {}): number[] {
  const host = ts.createCompilerHost(config.options);
  const readFile = host.readFile.bind(host);
  host.readFile = (file) => changed[file] ?? readFile(file);
  const program = ts.createProgram([accepted!, refused!], config.options, host);
  const lines = [accepted!, refused!].flatMap((file) => {
    const source = program.getSourceFile(file)!;
    return program.getSemanticDiagnostics(source).map(({ start }) => source.getLineAndCharacterOfPosition(start!).line);
  });
  return [...new Set(lines)];
}

test('`npm run typecheck` compiles test/types, and it compiles', () => {
  expect(config.fileNames).toEqual(expect.arrayContaining([accepted, refused]));
  expect(errors()).toEqual([]);
});

test('each type-level assertion fails where it is turned round', () => {
  const turned = read(expectFile!).replace('T extends true', 'T extends false');
  const assertions = count(read(accepted!), /\bExpect</g);
  expect(assertions).toBeGreaterThan(20);
  expect(errors({ [expectFile!]: turned })).toHaveLength(assertions);
});

test('each line that must not compile does not', () => {
  const directives = /^\s*\/\/ @ts-expect-error/gm;
  const unmarked = read(refused!).replace(directives, '//');
  const refusals = count(read(refused!), directives);
  expect(refusals).toBeGreaterThan(15);
  expect(errors({ [refused!]: unmarked })).toHaveLength(refusals);
});
