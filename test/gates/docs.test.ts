import { join } from 'node:path';
import { ERROR_CODES } from '../../lib/index';
import { root, run } from '../support/node';

/** TypeDoc with typedoc.json's settings: a warning, of a link that leads nowhere for instance, fails it. */
const typedoc = (...args: string[]): ReturnType<typeof run> =>
  run(process.execPath, [join(root, 'node_modules', 'typedoc', 'bin', 'typedoc'), '--emit', 'none', ...args]);

test('the API reference builds without a warning', async () => {
  expect(await typedoc()).toMatchObject({ code: 0, stderr: '' });
});

test('an undocumented name fails it', async () => {
  const { code, stdout, stderr } = await typedoc('--requiredToBeDocumented', 'Property');
  expect(code).not.toBe(0);
  expect(stdout + stderr).toContain(`${Object.keys(ERROR_CODES)[0]!} (Property)`);
});
