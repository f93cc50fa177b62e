import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { badArgument, inspect } from '../lib/errors';
import { ERROR_CODES, ResNetError } from '../lib/index';
import { root } from './support/node';
const { withTable } = require('../scripts/error-table.js') as {
  withTable: (text: string, codes: object) => string;
};

/** Node's own codes, which the sources may name. */
const OF_NODE = new Set(['ERR_MODULE_NOT_FOUND', 'ERR_HTTP_REQUEST_TIMEOUT']);

const sources = ['lib', 'native'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|mts|h|cpp)$/.test(file))
    .map((file) => ({ file: join(folder, file), text: readFileSync(join(root, folder, file), 'utf8') })),
);

/** The codes that a file throws or answers with, as opposed to those that it compares, lists, types or mentions. */
function thrownCodes(file: string, text: string): string[] {
  return /\.m?ts$/.test(file) ? thrownInTypeScript(file, text) : thrownInCpp(text);
}

function thrownInTypeScript(file: string, text: string): string[] {
  const codes: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) && /^ERR_[A-Z0-9_]+$/.test(node.text) && isThrown(node)) codes.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return codes;
}

/** An argument of `new SomeError(…)`, `super(…)` or `badArgument(…)`, or the `code` of an answer: `{ error, code: 'ERR_…' }`. */
function isThrown(code: ts.Expression): boolean {
  const { parent } = code;
  if (ts.isConditionalExpression(parent)) return parent.condition !== code && isThrown(parent);
  if (ts.isNewExpression(parent)) return /Error$/.test(parent.expression.getText());
  if (ts.isCallExpression(parent)) return /^(super|badArgument)$/.test(parent.expression.getText());
  return ts.isPropertyAssignment(parent) && parent.name.getText() === 'code' && parent.initializer === code;
}

/** In a statement that throws or returns, and not compared there. */
function thrownInCpp(text: string): string[] {
  const statements = text.replace(/\/\/.*|\/\*[^]*?\*\//g, '').match(/\b(?:throw|return)\b[^;]*/g) ?? [];
  return statements.flatMap((statement) =>
    [...statement.matchAll(/(?<![!=]= )"(ERR_[A-Z0-9_]+)"(?! [!=]=)/g)].map(([, code]) => code!),
  );
}

test('every code that the sources name, in comments too, stands in ERROR_CODES', () => {
  const named = sources.flatMap(({ file, text }) =>
    [...text.matchAll(/\b(ERR_[A-Z0-9_]*[A-Z0-9])\b(?!_)/g)].map(([code]) => ({ code, file })),
  );
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter(({ code }) => !OF_NODE.has(code) && !Object.hasOwn(ERROR_CODES, code))).toEqual([]);
});

test('a message repeats at most a line of data, whatever it is', () => {
  const values = [
    'x'.repeat(3e6),
    'x y '.repeat(1e6),
    10n ** 10_000n,
    Symbol('x'.repeat(1e6)),
    Array(1e6).fill('x'.repeat(99)),
  ];
  for (const value of [...values, Object.create({ constructor: { name: 'x'.repeat(1e6) } })]) {
    expect(inspect(value).length).toBeLessThanOrEqual(200);
    expect(badArgument('image', 'a path', value).message.length).toBeLessThan(300);
  }
  const path = `/${'x'.repeat(3e6)}.png`;
  expect(new ResNetError('ERR_FILE', `Cannot read ${path}.`).message).toMatch(/^Cannot read \/x{200,}…x+\.png\.$/);
  expect(new ResNetError('ERR_FILE', 'x y '.repeat(1e6)).message.length).toBeLessThanOrEqual(8192);
});

test('every code of ERROR_CODES is thrown somewhere', () => {
  const shipped = sources.filter(({ file }) => !file.startsWith(join('native', 'test')));
  const thrown = new Set(shipped.flatMap(({ file, text }) => thrownCodes(file, text)));
  expect(Object.keys(ERROR_CODES).filter((code) => !thrown.has(code))).toEqual([]);
});

test.each([
  ['thrown', 'a.ts', `throw new ResNetError('ERR_FAKE', 'text');`, true],
  ['thrown under a condition', 'a.ts', `throw badArgument('x', 'y', z, flag ? 'ERR_FAKE' : 'ERR_FILE');`, true],
  ['answered', 'a.ts', `send({ error: text, code: 'ERR_FAKE' });`, true],
  ['listed', 'a.ts', `const usage = new Set(['ERR_FAKE']); const codes = { ERR_FAKE: 'A meaning.' };`, false],
  ['compared', 'a.ts', `throw error.code === 'ERR_FAKE' ? a : b; switch (code) { case 'ERR_FAKE': }`, false],
  ['a type', 'a.ts', `type Code = 'ERR_FAKE';`, false],
  ['in a comment', 'a.ts', `/** @throws ERR_FAKE */ f(); // new ResNetError('ERR_FAKE')`, false],
  ['thrown', 'a.cpp', `if (bad)\n  throw Error(\n      "ERR_FAKE", text);`, true],
  ['compared', 'a.cpp', `if (error.code() == "ERR_FAKE") return code != "ERR_FAKE";`, false],
  ['in a comment', 'a.cpp', `// throw Error("ERR_FAKE");\nreturn x;`, false],
])('a code that is %s (%s)', (_, file, text, thrown) => {
  expect(thrownCodes(file, text).includes('ERR_FAKE')).toBe(thrown);
});

test('docs/errors.md has ERROR_CODES; npm run docs:errors writes it', () => {
  const text = readFileSync(join(root, 'docs', 'errors.md'), 'utf8');
  expect(text).toBe(withTable(text, ERROR_CODES));
});
