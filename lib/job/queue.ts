import type { Job, Queue, Worker } from 'bullmq';
import { ResNetError } from '../errors';
import { checkSame, type Plan } from './plan';
import type { Connection } from './redis';

const PREFIX = 'libtorch-resnet';
/** How long a job's name stays claimed after the last renewal, in milliseconds. */
const CLAIM_MS = 60_000;
/** How often a task may stall, for instance by crashing its process, before it counts as failed. */
const MAX_STALLED = 10;
/** How often stalled tasks are looked for, in seconds. */
const STALLED_INTERVAL = 5;
const ADD_CHUNK = 1000;

interface Payload {
  task: string;
}

/**
 * The tasks of a job in Redis, each handed to one process at a time. Redis may lose them: only the job's folder records
 * what is done, and {@link TaskQueue.add} restores what is missing.
 */
export class TaskQueue {
  readonly #queue: Queue<Payload>;
  readonly #key: string;
  #worker: Worker<Payload> | undefined;

  /**
   * @param id - the job folder's: keeps tasks of an earlier job of the same name out
   * @param stalledAfter - seconds without a sign of life of its process after which a task is handed out again
   */
  constructor(
    private readonly connection: Connection,
    private readonly plan: Plan,
    private readonly id: string,
    private readonly stalledAfter: number,
  ) {
    this.#key = `${PREFIX}:${plan.name ?? ''}`;
    this.#queue = new connection.bullmq.Queue<Payload>(this.#name, { connection: connection.redis, prefix: PREFIX });
    this.#queue.on('error', () => undefined); // the connection reports its own errors
  }

  get #claim(): string {
    return JSON.stringify({ id: this.id, plan: this.plan });
  }

  get #name(): string {
    return `${this.plan.name ?? ''}-${this.id.slice(0, 8)}`;
  }

  /** Claims the job's name, or renews a claim with the same plan and folder. @throws ERR_JOB_MISMATCH */
  async claim(): Promise<void> {
    const { redis, displayUrl } = this.connection;
    const claim = this.#claim;
    const claimed = await redis.set(this.#key, claim, 'PX', CLAIM_MS, 'NX');
    if (claimed !== null) return;
    const { id, plan } = JSON.parse((await redis.get(this.#key)) ?? claim) as { id: unknown; plan: unknown };
    checkSame(this.plan, plan, displayUrl);
    if (id !== this.id) {
      throw new ResNetError(
        'ERR_JOB_MISMATCH',
        `The job ${this.plan.name ?? ''} is in use, or was within the last minute, with another output: ` +
          'all processes of a job must share one folder.',
      );
    }
    await redis.pexpire(this.#key, CLAIM_MS);
  }

  /** Whether no task is waiting or running. */
  async isIdle(): Promise<boolean> {
    const counts = await this.#queue.getJobCounts('wait', 'active', 'delayed', 'prioritized');
    return Object.values(counts).every((count) => count === 0);
  }

  /** The tasks that stalled too often and are not handed out any more. */
  async failedTasks(): Promise<Set<string>> {
    const failed = await this.#queue.getFailed();
    return new Set(failed.map(({ data }) => data.task));
  }

  /** Forgets which tasks failed, so that they can be added again. */
  async clearFailed(): Promise<void> {
    await this.#queue.clean(0, 0, 'failed');
  }

  /** Adds tasks; those already in the queue stay as they are. */
  async add(tasks: readonly string[]): Promise<void> {
    for (let start = 0; start < tasks.length; start += ADD_CHUNK) {
      const chunk = tasks.slice(start, start + ADD_CHUNK);
      await this.#queue.addBulk(
        chunk.map((task) => ({ name: 'task', data: { task }, opts: { jobId: task, removeOnComplete: true } })),
      );
    }
  }

  /**
   * Runs tasks, one at a time, until the queue is closed. If `run` rejects, its task is given back and no other is run.
   *
   * @param onDone - called after each finished task
   */
  start(run: (task: string) => Promise<void>, onDone: () => void): void {
    const { bullmq, redis } = this.connection;
    const process = async (job: Job<Payload>, token = ''): Promise<void> => {
      try {
        await run(job.data.task);
      } catch {
        void worker.close(); // before it takes the next one; `run` reports the error
        await job.moveToWait(token);
        throw new bullmq.WaitingError();
      }
    };
    const worker = new bullmq.Worker<Payload>(this.#name, process, {
      connection: redis,
      prefix: PREFIX,
      concurrency: 1,
      lockDuration: 1000 * this.stalledAfter,
      stalledInterval: 1000 * Math.min(this.stalledAfter, STALLED_INTERVAL),
      maxStalledCount: MAX_STALLED,
      runRetryDelay: 1000,
      drainDelay: 1,
    });
    worker.on('completed', onDone);
    // Redis may have lost a running task, which is no problem: it is done once its file exists.
    worker.on('error', () => undefined);
    this.#worker = worker;
  }

  /** Stops after the current task is done or given back. */
  async close(): Promise<void> {
    await this.#worker?.close();
    await this.#queue.close();
  }

  /** Deletes everything of the job in Redis. */
  async clear(): Promise<void> {
    await this.#worker?.close();
    await this.#queue.obliterate({ force: true });
    const { redis } = this.connection;
    if ((await redis.get(this.#key)) === this.#claim) await redis.del(this.#key);
  }
}
