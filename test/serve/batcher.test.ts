import { Batcher, type BatcherOptions } from '../../lib/serve/batcher';

interface Call {
  rows: readonly number[];
  key: string;
  signal: AbortSignal;
  answer: () => void;
  fail: (error: Error) => void;
}

/** A batcher whose batches finish when the test says so; each row's result is ten times its value. */
function make(options: Partial<BatcherOptions<string>> = {}): {
  batcher: Batcher<number, number, string>;
  calls: Call[];
} {
  const calls: Call[] = [];
  const run = (rows: readonly number[], key: string, signal: AbortSignal): Promise<number[]> =>
    new Promise((resolve, reject) => {
      calls.push({ rows, key, signal, answer: () => resolve(rows.map((row) => 10 * row)), fail: reject });
    });
  const batcher = new Batcher(run, {
    maxBatchSize: 4,
    maxQueueDelayMs: 0,
    maxQueueSize: 16,
    concurrency: 1,
    keyId: (key) => key,
    ...options,
  });
  return { batcher, calls };
}

function ask(
  batcher: Batcher<number, number, string>,
  values: number[],
  signal?: AbortSignal,
  key = 'a',
): Promise<number[]> {
  const reservation = batcher.reserve(values.length);
  const rows = values.map((value) => ({ key, value }));
  const answers = reservation.run(rows, signal).then((all) => all.map(({ value }) => value));
  answers.catch(() => undefined);
  return answers;
}

const turn = (ms = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('greedy: a lone row runs at once; rows that come meanwhile share the next batches, oldest first', async () => {
  const { batcher, calls } = make();
  const first = ask(batcher, [1]);
  await turn();
  expect(calls.map(({ rows }) => rows)).toEqual([[1]]);
  const others = [ask(batcher, [2, 3]), ask(batcher, [4]), ask(batcher, [5, 6])];
  await turn();
  expect(calls).toHaveLength(1);
  calls[0]!.answer();
  await turn();
  expect(calls[1]!.rows).toEqual([2, 3, 4, 5]);
  calls[1]!.answer();
  await turn();
  expect(calls[2]!.rows).toEqual([6]);
  calls[2]!.answer();
  expect(await Promise.all([first, ...others])).toEqual([[10], [20, 30], [40], [50, 60]]);
  expect(batcher.pending).toBe(0);
});

test('as many batches at the same time as `concurrency`', async () => {
  const { batcher, calls } = make({ concurrency: 2, maxBatchSize: 1 });
  const all = ask(batcher, [1, 2, 3]);
  await turn();
  expect(calls.map(({ rows }) => rows)).toEqual([[1], [2]]);
  calls[1]!.answer();
  await turn();
  expect(calls[2]!.rows).toEqual([3]);
  calls[0]!.answer();
  calls[2]!.answer();
  expect(await all).toEqual([10, 20, 30]);
});

test('rows of different keys never share a batch, and no key starves', async () => {
  const { batcher, calls } = make();
  const all = [ask(batcher, [1], undefined, 'a'), ask(batcher, [2], undefined, 'b'), ask(batcher, [3], undefined, 'a')];
  await turn();
  expect(calls.map(({ rows, key }) => [key, rows])).toEqual([['a', [1, 3]]]);
  const late = ask(batcher, [4], undefined, 'a');
  calls[0]!.answer();
  await turn();
  expect(calls[1]!.key).toBe('b'); // it came before the 4
  calls[1]!.answer();
  await turn();
  calls[2]!.answer();
  expect(await Promise.all([...all, late])).toEqual([[10], [20], [30], [40]]);
});

test('a delay lets a batch fill; a full batch does not wait', async () => {
  const { batcher, calls } = make({ maxQueueDelayMs: 100, maxBatchSize: 2 });
  const first = ask(batcher, [1]);
  await turn(5);
  expect(calls).toHaveLength(0);
  const second = ask(batcher, [2]);
  await turn(5);
  expect(calls.map(({ rows }) => rows)).toEqual([[1, 2]]);
  calls[0]!.answer();
  const third = ask(batcher, [3]);
  await turn(5);
  expect(calls).toHaveLength(1);
  await turn(150);
  expect(calls[1]!.rows).toEqual([3]);
  calls[1]!.answer();
  expect(await Promise.all([first, second, third])).toEqual([[10], [20], [30]]);
});

test('the queue is bounded: what does not fit is rejected at once, and places become free again', async () => {
  const { batcher, calls } = make({ maxQueueSize: 3, maxBatchSize: 2 });
  expect(() => batcher.reserve(4)).toThrow(expect.objectContaining({ code: 'ERR_TOO_LARGE' }));
  const reservation = batcher.reserve(2);
  expect(batcher.full).toBe(false);
  expect(() => batcher.reserve(2)).toThrow(expect.objectContaining({ code: 'ERR_QUEUE_FULL' }));
  const third = batcher.reserve(1);
  expect([batcher.full, batcher.pending]).toEqual([true, 3]);
  third.release();
  third.release();
  expect(batcher.pending).toBe(2);
  const answers = reservation.run([{ key: 'a', value: 1 }]);
  reservation.release(); // the place that was not used
  expect(batcher.pending).toBe(1);
  await turn();
  expect(batcher.pending).toBe(0); // running rows take no place
  calls[0]!.answer();
  expect((await answers)[0]).toMatchObject({ value: 10 });
});

test('a row aborted while it waits frees its place and is not computed', async () => {
  const { batcher, calls } = make();
  const reason = new Error('gone');
  const controller = new AbortController();
  void ask(batcher, [1]);
  await turn();
  const leaving = ask(batcher, [2, 3], controller.signal);
  const staying = ask(batcher, [4]);
  expect(batcher.pending).toBe(3);
  controller.abort(reason);
  await expect(leaving).rejects.toBe(reason);
  expect(batcher.pending).toBe(1);
  calls[0]!.answer();
  await turn();
  expect(calls[1]!.rows).toEqual([4]);
  calls[1]!.answer();
  expect(await staying).toEqual([40]);
  await expect(ask(batcher, [5], AbortSignal.abort(reason))).rejects.toBe(reason);
  expect(batcher.pending).toBe(0);
});

test('a row aborted while it runs rejects at once; the batch is aborted with its last row', async () => {
  const { batcher, calls } = make();
  const [one, two] = [new AbortController(), new AbortController()];
  const asked = [ask(batcher, [1], one.signal), ask(batcher, [2], two.signal)];
  await turn();
  expect(calls[0]!.rows).toEqual([1, 2]);
  one.abort(new Error('first'));
  await expect(asked[0]).rejects.toThrow('first');
  expect(calls[0]!.signal.aborted).toBe(false);
  two.abort(new Error('second'));
  await expect(asked[1]).rejects.toThrow('second');
  expect(calls[0]!.signal.aborted).toBe(true);
  calls[0]!.fail(new Error('aborted'));
  await turn();
  expect(calls).toHaveLength(1); // no row is left to retry
});

test('a batch that fails is retried row by row: only the row at fault fails', async () => {
  const { batcher, calls } = make();
  const asked = [ask(batcher, [1]), ask(batcher, [2]), ask(batcher, [3])];
  await turn();
  calls[0]!.fail(new Error('one of them'));
  await turn();
  calls[1]!.answer();
  await turn();
  calls[2]!.fail(new Error('it is 2'));
  await turn();
  calls[3]!.answer();
  expect(await asked[0]).toEqual([10]);
  await expect(asked[1]).rejects.toThrow('it is 2');
  expect(await asked[2]).toEqual([30]);
  expect(calls.map(({ rows }) => rows)).toEqual([[1, 2, 3], [1], [2], [3]]);
});

test('when a row fails, the other rows of its request are dropped', async () => {
  const { batcher, calls } = make({ maxBatchSize: 1 });
  const asked = ask(batcher, [1, 2, 3]);
  await turn();
  calls[0]!.fail(new Error('bad'));
  await expect(asked).rejects.toThrow('bad');
  await turn();
  expect([calls.length, batcher.pending]).toEqual([1, 0]);
});

test('reports times and batches', async () => {
  const batches: { rows: number; computeMs: number }[] = [];
  const { batcher, calls } = make({ onBatch: (batch) => batches.push(batch) });
  const first = ask(batcher, [1]);
  await turn();
  const reservation = batcher.reserve(1);
  const second = reservation.run([{ key: 'a', value: 2 }]);
  await turn(30);
  calls[0]!.answer();
  await turn(20);
  calls[1]!.answer();
  await first;
  const [answer] = await second;
  expect(answer!.queueMs).toBeGreaterThan(25);
  expect(answer!.computeMs).toBeGreaterThan(15);
  expect(batches.map(({ rows }) => rows)).toEqual([1, 1]);
});
