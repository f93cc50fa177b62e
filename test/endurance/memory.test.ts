import { join } from 'node:path';
import { run, root } from '../support/node';

/** A few rounds; by `npm run test:long` all of them, for which `node test/endurance/memory.mjs` draws the curves. */
const long = process.env.TEST_LONG === '1';

test(
  'loading, running, giving up and failing: memory is flat, and V8 is told of no more than before',
  async () => {
    const args = [join(root, 'test/endurance/memory.mjs'), '--json', ...(long ? [] : ['--short'])];
    const { stdout, stderr } = await run(process.execPath, args);
    expect(stderr).toBe('');
    const results = JSON.parse(stdout) as { name: string; growth: number; ok: boolean }[];
    expect(results.length).toBeGreaterThanOrEqual(7);
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
  },
  long ? 180 * 60_000 : 300_000, // an hour was too little beside other long runs
);
