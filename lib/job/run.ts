import { setTimeout as sleep } from 'node:timers/promises';
import { ResNetError } from '../errors';
import { writeAtomically } from '../atomic-write';
import { JobFolder, shardName } from './folder';
import { classifyToLines, type Classify } from './lines';
import type { PictureList, Shard } from './list';
import { merge, type MergeResult } from './merge';
import type { Plan } from './plan';
import { TaskQueue } from './queue';
import type { Connection } from './redis';

export interface JobOptions {
  list: PictureList;
  plan: Plan;
  /** The output file; the folder of the shards is next to it. */
  output: string;
  connection: Connection;
  classify: Classify;
  /** Seconds without a sign of life of its process after which a shard is handed out again. */
  stalledAfter: number;
  /** Gives back the current shard and rejects with the signal's reason. */
  signal: AbortSignal;
  /** Called with the number of pictures that all processes have finished. */
  onProgress: (done: number) => Promise<void>;
}

/** How often a process checks the others' progress, in milliseconds. */
const POLL_INTERVAL_MS = 1000;
/** How long the end waits for Redis, in milliseconds. A task that is not given back is handed out again as stalled. */
const SHUTDOWN_MS = 5000;
const MERGE_TASK = 'merge';

/**
 * Works on a job, together with other processes, until it is done.
 *
 * The folder records which tasks are done, the queue only which process runs which task. So no result is lost when
 * Redis loses data, and if two processes get the same shard, as may happen after Redis was down, both write the same
 * file.
 *
 * @returns what the output contains if this process merged it, else undefined
 * @throws ERR_JOB_MISMATCH, ERR_JOB, ERR_FILE, what `classify` throws, or the signal's reason
 */
export async function runJob(options: JobOptions): Promise<MergeResult | undefined> {
  const { list, plan, output, connection, classify, stalledAfter, signal, onProgress } = options;
  signal.throwIfAborted();
  const folder = await JobFolder.open(output, plan);
  if (await folder.isDone()) return undefined;
  const shards = new Map(list.shards.map((shard) => [shardName(shard.number), shard]));
  const queue = new TaskQueue(connection, plan, folder.id, stalledAfter);
  const stop = new AbortController();
  const stopping = AbortSignal.any([signal, stop.signal]);
  let merged: MergeResult | undefined;
  let wake = new AbortController();
  stopping.addEventListener('abort', () => wake.abort());

  const runTask = async (task: string): Promise<void> => {
    try {
      if (await folder.isDone()) return;
      if (task === MERGE_TASK) merged = await merge(list, folder, stopping);
      else await classifyShard(task);
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  };

  const classifyShard = async (task: string): Promise<void> => {
    const shard = shards.get(task);
    if (shard === undefined || (await folder.finishedShards()).has(shard.number)) return;
    const pictures = await list.picturesOf(shard);
    const lines = classifyToLines(pictures, (picture) => list.locate(picture), classify, stopping);
    await writeAtomically(folder.shardPath(shard.number), lines);
  };

  /** Adds the tasks that neither are done nor in the queue. */
  const refillQueue = async (finished: ReadonlySet<number>): Promise<void> => {
    await queue.claim();
    const missing = list.shards.filter(({ number }) => !finished.has(number));
    if (missing.length > 0 && !(await queue.isIdle())) return;
    const tasks = missing.length > 0 ? missing.map(({ number }) => shardName(number)) : [MERGE_TASK];
    const failed = await queue.failedTasks();
    const [first] = tasks.filter((task) => failed.has(task));
    if (first !== undefined && tasks.every((task) => failed.has(task))) {
      throw failedTaskError(first, shards.get(first), list);
    }
    await queue.add(tasks);
  };

  try {
    await abortable(stopping, async () => {
      await queue.claim();
      await queue.clearFailed();
    }).catch((error: unknown) => {
      throw error instanceof ResNetError || stopping.aborted ? error : connection.toRedisError(error);
    });
    queue.start(runTask, () => wake.abort());
    while (!(await folder.isDone())) {
      stopping.throwIfAborted();
      wake = new AbortController();
      const finished = await folder.finishedShards();
      await onProgress(
        list.shards.reduce((sum, { number, pictures }) => sum + (finished.has(number) ? pictures : 0), 0),
      );
      await abortable(stopping, () => refillQueue(finished)).catch((error: unknown) => {
        if (error instanceof ResNetError || stopping.aborted) throw error;
        connection.reportOnce(error); // retried: Redis may be out of memory or disk for a while
      });
      await sleep(POLL_INTERVAL_MS, undefined, { signal: wake.signal }).catch(() => undefined);
    }
    await onProgress(list.pictures);
    stop.abort(); // this process may still compute a shard that another one has finished
    await folder.removeTemporaryFiles();
    await settleWithin(SHUTDOWN_MS, queue.clear());
  } finally {
    stop.abort();
    await settleWithin(SHUTDOWN_MS, queue.close());
  }
  return merged;
}

/** Awaits work that may hang while Redis is down; rejects as soon as the signal aborts. */
async function abortable<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Waits for cleanup, for a limited time; ignores its failure. */
async function settleWithin(milliseconds: number, work: Promise<void>): Promise<void> {
  const timer = new AbortController();
  const timeout = sleep(milliseconds, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([work.catch(() => undefined), timeout]);
  timer.abort();
}

function failedTaskError(task: string, shard: Shard | undefined, list: PictureList): ResNetError {
  const subject = shard === undefined ? 'Merging' : `A shard (${task}, ${shard.pictures} pictures)`;
  return new ResNetError(
    'ERR_JOB',
    `${subject} of ${list.path} ended every process that took it; it is not retried until the job is started again.`,
  );
}
