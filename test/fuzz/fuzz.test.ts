import { Random } from './random';
import { runTarget } from './run';
import { TARGETS } from './targets';

/** A beginning of what `npm run fuzz` does for hours; always the same executions, so that it never fails by chance. */
const MIN_EXECUTIONS = 5;
const MAX_EXECUTIONS = 1_000;
const MAX_MS = 400;

test.each(TARGETS.map((target) => [target.name, target] as const))(
  '%s: a result, or an error with a code',
  async (_, target) => {
    // The first one makes networks, and compiles.
    const first = { seed: 1, from: 0, executions: MIN_EXECUTIONS };
    expect(await runTarget({ ...target, most: 60_000 }, first)).toEqual({ executions: MIN_EXECUTIONS });
    const until = performance.now() + MAX_MS;
    const more = { seed: 1, from: MIN_EXECUTIONS, executions: MAX_EXECUTIONS, until };
    expect((await runTarget(target, more)).finding).toBeUndefined();
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
