import { getConnections } from './connections';
import { attack, carryOut } from './protocol';
import { Random } from './random';
import { answerOf, infer, serve } from '../serve/support';

/** TEST_LONG=1 runs for an hour. */
const [executions, most] = process.env.TEST_LONG === '1' ? [Infinity, 3_600_000] : [600, 4_000];
const AT_ONCE = 8;
const SEED = Number(process.env.SEED ?? 1);
const PATIENCE_MS = 300;

test(
  'whatever comes over a socket, the server answers or closes, lives, and gives its memory and sockets back',
  async () => {
    const { app, url } = await serve({ receiveMs: 2_000 });
    const port = Number(new URL(url).port);
    const data = [1, 2, 3];
    const good = async (): Promise<void> => {
      const answer = await infer(url, { inputs: [{ name: 'input', datatype: 'FP32', shape: [1, 3, 1, 1], data }] });
      expect(await answer.json()).toMatchObject({ outputs: [{ data: answerOf(data) }] });
    };
    const until = performance.now() + most;
    let [execution, answered, before] = [0, 0, 0];
    const share = (): number => Math.max(execution / executions, 1 - (until - performance.now()) / most);
    while (execution < executions && performance.now() < until) {
      const first = execution;
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, () => carryOut(attack(new Random(SEED, execution++)), port, PATIENCE_MS)),
      );
      for (const [i, answer] of answers.entries()) {
        if (answer === '') continue;
        answered++;
        // Reproducible by its number: Random(SEED, number).
        if (!/^HTTP\/1\.1 [1-5]\d\d /.test(answer) || /^HTTP\/1\.1 500 |ERR_INTERNAL/m.test(answer)) {
          throw new Error(`execution ${first + i}: ${answer}`);
        }
      }
      await good();
      if (before === 0 && share() >= 0.25) before = process.memoryUsage.rss();
    }
    expect(answered).toBeGreaterThan(execution / 4);
    for (let left = 50; (await getConnections(app.server)) > AT_ONCE && left > 0; left--) {
      await new Promise((next) => setTimeout(next, 100));
    }
    expect(await getConnections(app.server)).toBeLessThanOrEqual(AT_ONCE); // fetch keeps connections alive
    expect(before).toBeGreaterThan(0);
    expect(process.memoryUsage.rss() - before).toBeLessThan(256 * 2 ** 20);
    console.log(`${execution} connections, ${answered} answered`);
  },
  most + 60_000,
);
