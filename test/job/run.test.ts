import { mkdtempSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'bullmq';
import Redis from 'ioredis';
import { ResNetError } from '../../lib/errors';
import { JobFolder } from '../../lib/job/folder';
import type { Classify } from '../../lib/job/lines';
import { PictureList } from '../../lib/job/list';
import type { MergeResult } from '../../lib/job/merge';
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

  interface RunOptions {
    name: string;
    output: string;
    classify: Classify;
    signal?: AbortSignal;
  }
  const fresh = (): string => join(mkdtempSync(join(folder, 'out-')), 'out.jsonl');
  const plan = (name: string): Plan => ({ name, list: 'abc' });
  const notices: string[] = [];

  /** One process working on a job of three shards of three pictures. A stalled shard would outlast the test. */
  async function run({
    name,
    output,
    classify,
    signal = new AbortController().signal,
  }: RunOptions): Promise<MergeResult | undefined> {
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

  test('several processes: each shard is computed once, and one of them merges', async () => {
    const output = fresh();
    const classified: string[] = [];
    const classify: Classify = async (paths) => {
      classified.push(...paths);
      await sleep(100);
      return paths.map(answer);
    };
    const merged = await Promise.all([1, 2, 3].map(() => run({ name: 'shared', output, classify })));
    expect(merged.filter((one) => one !== undefined)).toEqual([{ pictures: 9, failed: 0 }]);
    expect(classified.sort()).toEqual(pictures.map((picture) => join(folder, picture)));
    expect(picturesIn(output)).toEqual(pictures);
    expect(await run({ name: 'shared', output, classify })).toBeUndefined();
    expect(classified).toHaveLength(9);
  });

  test('a shard that another process has finished is not computed', async () => {
    const output = fresh();
    const jobFolder = await JobFolder.open(output, plan('there'));
    const classified: string[] = [];
    const classify: Classify = (paths) => {
      classified.push(...paths);
      const theirs = pictures.slice(6).map((picture) => `${JSON.stringify({ picture, predictions: [] })}\n`);
      writeFileSync(jobFolder.shardPath(3), theirs.join(''));
      return Promise.resolve(paths.map(answer));
    };
    expect(await run({ name: 'there', output, classify })).toEqual({ pictures: 9, failed: 0 });
    expect(classified).toEqual(pictures.slice(0, 6).map((picture) => join(folder, picture)));
    expect(picturesIn(output)).toEqual(pictures);
  });

  test('an error that is not about one picture rejects; the shard is given back at once', async () => {
    const output = fresh();
    const bad: Classify = () => Promise.reject(new ResNetError('ERR_OUT_OF_MEMORY', 'no memory'));
    await expect(run({ name: 'failing', output, classify: bad })).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY' });
    expect(await run({ name: 'failing', output, classify: good })).toEqual({ pictures: 9, failed: 0 });
    expect(picturesIn(output)).toEqual(pictures);
  });

  test('a shard found damaged while merging is computed again', async () => {
    const output = fresh();
    const jobFolder = await JobFolder.open(output, plan('broken'));
    let calls = 0;
    const classify: Classify = async (paths) => {
      // The disk loses the first shard while the last one is computed.
      if (++calls === 3) truncateSync(jobFolder.shardPath(1), 10);
      return await good(paths, { signal: new AbortController().signal, onError: () => undefined });
    };
    expect(await run({ name: 'broken', output, classify })).toEqual({ pictures: 9, failed: 0 });
    expect(calls).toBe(4);
    expect(picturesIn(output)).toEqual(pictures);
  });

  test('a shard that crashes its processes: the others are done first, then it is an error', async () => {
    const output = fresh();
    const { id } = await JobFolder.open(output, plan('deadly'));
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const classify: Classify = async (paths) => {
      await released;
      return paths.map(answer);
    };
    const ended = run({ name: 'deadly', output, classify }).catch((error: unknown) => error);
    // What BullMQ does with a task that stalled too often.
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

  test('Redis out of memory for a while: reported once, and the job goes on', async () => {
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

  test('a wrong password is reported without showing it', async () => {
    const error = await connect(redis.url.replace('sesame', 'barley'), () => undefined).catch(
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ code: 'ERR_REDIS' });
    expect((error as Error).message).toMatch(/^Cannot use Redis at redis:\/\/127\.0\.0\.1:\d+: .*(WRONGPASS|NOAUTH)/);
    expect((error as Error).message).not.toMatch(/barley/);
  });
});
