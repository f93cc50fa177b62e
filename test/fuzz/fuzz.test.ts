import { Random } from './random';
import { runTarget } from './run';
import { TARGETS } from './targets';

/** A beginning of what `npm run fuzz` does for hours; always the same executions, so that it never fails by chance. */
const MOST_EXECUTIONS = 1_000;
const MOST_MS = 400;

test.each(TARGETS.map((target) => [target.name, target] as const))(
  '%s: a result, or an error with a code',
  async (_, target) => {
    // The first one makes networks, and compiles.
    expect(await runTarget({ ...target, most: 60_000 }, { seed: 1, from: 0, executions: 1 })).toEqual({
      executions: 1,
    });
    const until = performance.now() + MOST_MS;
    const { executions, finding } = await runTarget(target, { seed: 1, from: 1, executions: MOST_EXECUTIONS, until });
    expect(finding).toBeUndefined();
    expect(executions).toBeGreaterThan(1);
  },
);

test('what breaks the promise is found, and had again by its number alone', async () => {
  const target = {
    name: 'broken',
    run: (random: Random) => {
      if (random.below(100) === 0) throw new TypeError('no code');
    },
  };
  const { finding } = await runTarget(target, { seed: 7, from: 0, executions: 10_000 });
  const { execution = -1, error } = finding ?? {};
  expect(error).toBeInstanceOf(TypeError);
  expect(await runTarget(target, { seed: 7, from: execution, executions: 1 })).toMatchObject({
    finding: { execution },
  });
  expect(await runTarget(target, { seed: 7, from: 0, executions: execution })).toEqual({ executions: execution });
});
