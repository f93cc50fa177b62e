import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run, type Ended } from '../support/node';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'resnet-gates-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs jest with this project's settings over files of a folder of their own. */
function jest(files: Record<string, string>): Promise<Ended> {
  for (const [name, source] of Object.entries(files)) writeFileSync(join(folder, name), source);
  const settings = {
    ...(require('../../jest.config.js') as Record<string, unknown>),
    rootDir: folder,
    roots: [folder],
    globalSetup: undefined,
    transform: {},
    reporters: ['default', join(root, 'test', 'support', 'count-reporter.js')],
  };
  const bin = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  return run(process.execPath, [bin, '--config', JSON.stringify(settings)], { env: { FORCE_COLOR: '0' } });
}

const lastLine = ({ stdout }: Ended): string | undefined => stdout.trimEnd().split('\n').at(-1);

test('the last line counts passed, failed and skipped, what is still to be written among the skipped', async () => {
  const ended = await jest({
    'some.test.ts': `test('a', () => {}); test('b', () => {}); test.skip('c', () => {}); test.todo('d');`,
  });
  expect([ended.code, lastLine(ended)]).toEqual([0, '2 passed, 0 failed, 2 skipped']);
});

test.each([
  ['a failed test', `test('a', () => { throw new Error(); });`, '1 passed, 1 failed, 0 skipped'],
  ['a file that does not load', `require('./nowhere');`, '1 passed, 1 failed, 0 skipped'],
  ['a file without tests', ``, '1 passed, 1 failed, 0 skipped'],
  [
    'a failed preparation',
    `beforeAll(() => { throw new Error(); }); test('a', () => {}); test('b', () => {});`,
    '1 passed, 2 failed, 0 skipped',
  ],
])('%s fails the run and counts as failed', async (_name, source, counts) => {
  const ended = await jest({ 'good.test.ts': `test('a', () => {});`, 'bad.test.ts': source });
  expect([ended.code, lastLine(ended)]).toEqual([1, counts]);
});

test('a run in which all was skipped fails', async () => {
  const ended = await jest({ 'some.test.ts': `test.skip('a', () => {});` });
  expect([ended.code, lastLine(ended)]).toEqual([1, '0 passed, 0 failed, 1 skipped']);
  expect(ended.stderr).toContain('no test was executed');
});

test('a run that finds no test fails', async () => {
  expect((await jest({})).code).toBe(1);
});
