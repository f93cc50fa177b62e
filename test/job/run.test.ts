import { mkdtempSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'bullmq';
import Redis from 'ioredis';
import { ResNetError } from '../../lib/errors';
import { JobFolder } from '../../lib/job/folder';
import type { Classify } from '../../lib/job/lines';
import { PictureList } from '../../lib/job/list';
import type { Merged } from '../../lib/job/merge';
import type { Plan } from '../../lib/job/plan';
import { connect } from '../../lib/job/redis';
import { runJob } from '../../lib/job/run';
import { temporaryFolder, written } from '../support/files';
import { describeWithRedis, RedisServer } from '../support/redis';

const folder = temporaryFolder();
const pictures = Array.from({ length: 9 }, (_, i) => `${i}.jpg`);
const answer = (path: string): { label: string; index: number; score: number }[] => [
  { label: path, index: 0, score: 1 },
];

describeWithRedis('a job', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await RedisServer.start(folder);
  });
  afterAll(() => redis?.kill());

  interface Asked {
    name: string;
    output: string;
    classify: Classify;
    signal?: AbortSignal;
  }
  const fresh = (): string => join(mkdtempSync(join(folder, 'out-')), 'out.jsonl');
  const plan = (name: string): Plan => ({ name, list: 'abc' });
  const notices: string[] = [];

  /** One process's share of a job with three shards of three pictures. A stalled one would last longer than a test. */
  async function run({
    name,
    output,
    classify,
    signal = new AbortController().signal,
  }: Asked): Promise<Merged | undefined> {
    const list = await PictureList.read(written(folder, 'list', Buffer.from(pictures.join('\n'))), 3);
    const connection = await connect(redis.url, (text) => notices.push(text));
    try {
      const onProgress = (): Promise<void> => Promise.resolve();
      return await runJob({
        ...{ list, plan: plan(name), output, connection, classify, stalledAfter: 120 },
        ...{ signal, onProgress },
      });
    } finally {
      connection.end();
    }
  }
  const good: Classify = (paths) => Promise.resolve(paths.map(answer));
  const picturesIn = (output: string): unknown[] =>
    readFileSync(output, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { picture: unknown }).picture);

  test('several at once: each shard is computed once, and one of them merges', async () => {
    const output = fresh();
    const asked: string[] = [];
    const classify: Classify = async (paths) => {
      asked.push(...paths);
      await sleep(100);
      return paths.map(answer);
    };
    const merged = await Promise.all([1, 2, 3].map(() => run({ name: 'shared', output, classify })));
    expect(merged.filter((one) => one !== undefined)).toEqual([{ pictures: 9, failed: 0 }]);
    expect(asked.sort()).toEqual(pictures.map((picture) => join(folder, picture)));
    expect(picturesIn(output)).toEqual(pictures);
    expect(await run({ name: 'shared', output, classify })).toBeUndefined();
    expect(asked).toHaveLength(9);
  });

  test('a shard that came to be meanwhile is not computed', async () => {
    const output = fresh();
    const own = await JobFolder.open(output, plan('there'));
    const asked: string[] = [];
    const classify: Classify = (paths) => {
      asked.push(...paths);
      const theirs = pictures.slice(6).map((picture) => `${JSON.stringify({ picture, predictions: [] })}\n`);
      writeFileSync(own.shard(3), theirs.join(''));
      return Promise.resolve(paths.map(answer));
    };
    expect(await run({ name: 'there', output, classify })).toEqual({ pictures: 9, failed: 0 });
    expect(asked).toEqual(pictures.slice(0, 6).map((picture) => join(folder, picture)));
    expect(picturesIn(output)).toEqual(pictures);
  });

  test('what is wrong with more than a picture ends this process; its shard is given back at once', async () => {
    const output = fresh();
    const bad: Classify = () => Promise.reject(new ResNetError('ERR_OUT_OF_MEMORY', 'no memory'));
    await expect(run({ name: 'failing', output, classify: bad })).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY' });
    expect(await run({ name: 'failing', output, classify: good })).toEqual({ pictures: 9, failed: 0 });
    expect(picturesIn(output)).toEqual(pictures);
  });

  test('a shard that is not whole when all are merged is computed again', async () => {
    const output = fresh();
    const own = await JobFolder.open(output, plan('broken'));
    let calls = 0;
    const classify: Classify = async (paths) => {
      // The disk loses the first shard while the last one is computed.
      if (++calls === 3) truncateSync(own.shard(1), 10);
      return await good(paths, { signal: new AbortController().signal, onError: () => undefined });
    };
    expect(await run({ name: 'broken', output, classify })).toEqual({ pictures: 9, failed: 0 });
    expect(calls).toBe(4);
    expect(picturesIn(output)).toEqual(pictures);
  });

  test('a part that ends its processes: the others are done first, then it is told of', async () => {
    const output = fresh();
    const { id } = await JobFolder.open(output, plan('deadly'));
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const classify: Classify = async (paths) => {
      await held;
      return paths.map(answer);
    };
    const ended = run({ name: 'deadly', output, classify }).catch((error: unknown) => error);
    // As BullMQ does with a part that was stalled too often.
    const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
    const other = new Worker(
      `deadly-${id.slice(0, 8)}`,
      () => Promise.reject(new Error('job stalled more than allowable limit')),
      { connection, prefix: 'libtorch-resnet' },
    );
    other.on('error', () => undefined);
    await new Promise((resolve) => other.once('failed', resolve));
    await other.close();
    connection.disconnect();
    release();
    expect(await ended).toMatchObject({
      code: 'ERR_JOB',
      message: expect.stringMatching(/^A shard \(shard-00000\d, 3 pictures\) of .*list ended every process/),
    });
    expect(await run({ name: 'deadly', output, classify })).toEqual({ pictures: 9, failed: 0 });
  });

  test('Redis without memory for a while: it is told of once, and the job goes on', async () => {
    const output = fresh();
    notices.length = 0;
    let calls = 0;
    const classify: Classify = async (paths) => {
      if (++calls === 1) {
        await redis.ask((client) => client.config('SET', 'maxmemory', '1'));
        setTimeout(() => void redis.ask((client) => client.config('SET', 'maxmemory', '0')), 2500);
      }
      return paths.map(answer);
    };
    expect(await run({ name: 'full', output, classify })).toEqual({ pictures: 9, failed: 0 });
    expect(picturesIn(output)).toEqual(pictures);
    expect(notices).toEqual([expect.stringMatching(/^Cannot use Redis at .*: OOM command not allowed/)]);
  });

  test('a password that is wrong is told of, and not told', async () => {
    const error = await connect(redis.url.replace('sesame', 'barley'), () => undefined).catch(
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ code: 'ERR_REDIS' });
    expect((error as Error).message).toMatch(/^Cannot use Redis at redis:\/\/127\.0\.0\.1:\d+: .*(WRONGPASS|NOAUTH)/);
    expect((error as Error).message).not.toMatch(/barley/);
  });
});
