import { join } from 'node:path';
import { root, run } from '../support/node';

/** In a process of its own: a crash is a finding and not the end of the tests. `npm run abuse` goes on for longer. */
test('random sequences of right and wrong calls: the right answer, or an error with a code', async () => {
  const hook = join(root, 'test/support/typescript.js');
  const script = join(root, 'test/fuzz/abuse/main.ts');
  const ended = await run(process.execPath, ['-r', hook, script, '--seed', '1', '--minutes', '0.12', '--workers', '1']);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  const [, sequences, calls] = /^(\d+) sequences, (\d+) calls/.exec(ended.stdout) ?? [];
  expect(Number(sequences)).toBeGreaterThan(0);
  expect(Number(calls)).toBeGreaterThan(10);
});
