import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../support/files';
import { root, run } from '../support/node';

const folder = temporaryFolder();

/** Runs jest with this project's reporters over files of a folder of their own: exit code, last line, stderr. */
async function jest(files: Record<string, string>): Promise<{ code: number | null; last: string; stderr: string }> {
  for (const [name, source] of Object.entries(files)) writeFileSync(join(folder, name), source);
  const { reporters } = require('../../jest.config.js') as { reporters: string[] };
  const settings = {
    rootDir: folder,
    testRegex: Object.keys(files),
    reporters: reporters.map((name) => name.replace('<rootDir>', root)),
  };
  const bin = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const ended = await run(process.execPath, [bin, '--runInBand', '--config', JSON.stringify(settings)]);
  return { code: ended.code, last: ended.stdout.trimEnd().split('\n').at(-1)!, stderr: ended.stderr };
}

test('the last line counts passed, failed and skipped tests; todos count as skipped', async () => {
  const source = `test('a', () => {}); test('b', () => {}); test.skip('c', () => {}); test.todo('d');`;
  expect(await jest({ 'some.js': source })).toMatchObject({ code: 0, last: '2 passed, 0 failed, 2 skipped' });
});

test('failed tests, files that do not load or have no tests, and failed preparations fail the run', async () => {
  const ended = await jest({
    'good.js': `test('a', () => {});`,
    'failed.js': `test('a', () => { throw new Error(); });`,
    'unloadable.js': `require('./nowhere');`,
    'empty.js': ``,
    'preparation.js': `beforeAll(() => { throw new Error(); }); test('a', () => {}); test('b', () => {});`,
  });
  expect(ended).toMatchObject({ code: 1, last: '1 passed, 5 failed, 0 skipped' });
});

test('a run in which every test was skipped fails', async () => {
  const ended = await jest({ 'skipped.js': `test.skip('a', () => {});` });
  expect(ended).toMatchObject({ code: 1, last: '0 passed, 0 failed, 1 skipped' });
  expect(ended.stderr).toContain('no test was executed');
});
