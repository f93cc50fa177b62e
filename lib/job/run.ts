import { setTimeout as sleep } from 'node:timers/promises';
import { ResNetError } from '../errors';
import { writeWhole } from '../whole-file';
import { JobFolder, shardName } from './folder';
import { linesOf, type Classify } from './lines';
import type { PictureList, Shard } from './list';
import { merge, type Merged } from './merge';
import type { Plan } from './plan';
import { PartQueue } from './queue';
import type { Connection } from './redis';

export interface JobOptions {
  list: PictureList;
  plan: Plan;
  /** The file that the lines go to; beside it, for the time being, a folder of the shards'. */
  output: string;
  connection: Connection;
  classify: Classify;
  /** After how long without a sign of its process a shard is taken again: seconds. */
  stalledAfter: number;
  /** Gives back the shard that is being worked on, and ends with the signal's reason. */
  signal: AbortSignal;
  /** Told how many pictures have their lines, of all processes. */
  onProgress: (done: number) => Promise<void>;
}

/** How often a process looks what the others have done: milliseconds. */
const LOOK = 1000;
/** How long an end waits for Redis: milliseconds. A part that is not given back is taken again as a stalled one. */
const FAREWELL = 5000;
const MERGING = 'merge';

/**
 * Works on a job until it is done, beside all the other processes that do.
 *
 * The folder tells what is done, the queue who does what: so nothing that Redis loses is lost, and two processes that
 * have one shard, as may be after Redis was gone, write the same file.
 *
 * @returns what the output holds, where this process merged it
 * @throws ERR_JOB_MISMATCH, ERR_JOB, ERR_FILE, what `classify` throws, or the signal's reason
 */
export async function runJob(options: JobOptions): Promise<Merged | undefined> {
  const { list, plan, output, connection, classify, stalledAfter, signal, onProgress } = options;
  signal.throwIfAborted();
  const folder = await JobFolder.open(output, plan);
  if (await folder.isDone()) return undefined;
  const shards = new Map(list.shards.map((shard) => [shardName(shard.number), shard]));
  const queue = new PartQueue(connection, plan, folder.id, stalledAfter);
  const stop = new AbortController();
  const stopping = AbortSignal.any([signal, stop.signal]);
  let merged: Merged | undefined;
  let wake = new AbortController();
  stopping.addEventListener('abort', () => wake.abort());

  const work = async (part: string): Promise<void> => {
    try {
      if (await folder.isDone()) return;
      if (part === MERGING) merged = await merge(list, folder, stopping);
      else await compute(part);
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  };

  const compute = async (part: string): Promise<void> => {
    const shard = shards.get(part);
    if (shard === undefined || (await folder.present()).has(shard.number)) return;
    const pictures = await list.picturesOf(shard);
    const lines = linesOf(pictures, (picture) => list.locate(picture), classify, stopping);
    await writeWhole(folder.shard(shard.number), lines);
  };

  /** Puts into the queue what is missing there. */
  const tend = async (present: ReadonlySet<number>): Promise<void> => {
    await queue.claim();
    const missing = list.shards.filter(({ number }) => !present.has(number));
    if (missing.length > 0 && !(await queue.isIdle())) return;
    const parts = missing.length > 0 ? missing.map(({ number }) => shardName(number)) : [MERGING];
    const given = await queue.given();
    const [lost] = parts.filter((part) => given.has(part));
    if (lost !== undefined && parts.every((part) => given.has(part))) throw lostPart(lost, shards.get(lost), list);
    await queue.add(parts);
  };

  try {
    await until(stopping, async () => {
      await queue.claim();
      await queue.forgive();
    }).catch((error: unknown) => {
      throw error instanceof ResNetError || stopping.aborted ? error : connection.refusal(error);
    });
    queue.work(work, () => wake.abort());
    while (!(await folder.isDone())) {
      stopping.throwIfAborted();
      wake = new AbortController();
      const present = await folder.present();
      await onProgress(
        list.shards.reduce((sum, { number, pictures }) => sum + (present.has(number) ? pictures : 0), 0),
      );
      await until(stopping, () => tend(present)).catch((error: unknown) => {
        if (error instanceof ResNetError || stopping.aborted) throw error;
        connection.complain(error); // and try again: Redis may have no memory or disk just now
      });
      await sleep(LOOK, undefined, { signal: wake.signal }).catch(() => undefined);
    }
    await onProgress(list.pictures);
    stop.abort(); // a shard that another process has done meanwhile
    await folder.tidy();
    await within(FAREWELL, queue.clear());
  } finally {
    stop.abort();
    await within(FAREWELL, queue.close());
  }
  return merged;
}

/** Work that may wait for Redis, or the signal's reason as soon as that comes. */
async function until<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
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

/** Waits for what is good to have at the end, and not for long. */
async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  const timer = new AbortController();
  const late = sleep(milliseconds, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([work.catch(() => undefined), late]);
  timer.abort();
}

function lostPart(part: string, shard: Shard | undefined, list: PictureList): ResNetError {
  const what = shard === undefined ? 'Merging' : `A shard (${part}, ${shard.pictures} pictures)`;
  return new ResNetError(
    'ERR_JOB',
    `${what} of ${list.path} ended every process that took it; nobody takes it until the job is begun again.`,
  );
}
