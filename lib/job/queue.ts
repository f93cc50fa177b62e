import type { Job, Queue, Worker } from 'bullmq';
import { ResNetError } from '../errors';
import { checkSame, type Plan } from './plan';
import type { Connection } from './redis';

const PREFIX = 'libtorch-resnet';
/** How long a name stays taken after its last process gave a sign: milliseconds. */
const NAME_TAKEN = 60_000;
/** How often a part may end its process, or lose it, before nobody takes it any more. */
const MAX_STALLED = 10;
/** How often it is looked whose process gives no sign: seconds. */
const LOOK = 5;
const ADDED_AT_ONCE = 1000;

interface Payload {
  part: string;
}

/**
 * The parts of a job, each given to one process at a time, in Redis. What is kept there can be lost: what is done is
 * told by the folder alone, and {@link PartQueue.add} adds what is missing again.
 */
export class PartQueue {
  readonly #queue: Queue<Payload>;
  readonly #key: string;
  #worker: Worker<Payload> | undefined;

  /**
   * @param id - of the job's folder: a queue never has parts of another job of the same name
   * @param stalledAfter - after how long without a sign of its process a part is taken again: seconds
   */
  constructor(
    private readonly connection: Connection,
    private readonly plan: Plan,
    private readonly id: string,
    private readonly stalledAfter: number,
  ) {
    this.#key = `${PREFIX}:${plan.name ?? ''}`;
    this.#queue = new connection.bullmq.Queue<Payload>(this.#name, { connection: connection.redis, prefix: PREFIX });
    this.#queue.on('error', () => undefined); // the connection tells of its own
  }

  get #claim(): string {
    return JSON.stringify({ id: this.id, plan: this.plan });
  }

  get #name(): string {
    return `${this.plan.name ?? ''}-${this.id.slice(0, 8)}`;
  }

  /** Takes the job's name, or joins those who have it, for a while. @throws ERR_JOB_MISMATCH */
  async claim(): Promise<void> {
    const { redis, shown } = this.connection;
    const own = this.#claim;
    const taken = await redis.set(this.#key, own, 'PX', NAME_TAKEN, 'NX');
    if (taken !== null) return;
    const { id, plan } = JSON.parse((await redis.get(this.#key)) ?? own) as { id: unknown; plan: unknown };
    checkSame(this.plan, plan, shown);
    if (id !== this.id) {
      throw new ResNetError(
        'ERR_JOB_MISMATCH',
        `The job ${this.plan.name ?? ''} is at work, or was within a minute, with another output that is not this ` +
          `one: all its processes need one folder, which they share.`,
      );
    }
    await redis.pexpire(this.#key, NAME_TAKEN);
  }

  /** Whether no process has a part or could take one. */
  async isIdle(): Promise<boolean> {
    const counts = await this.#queue.getJobCounts('wait', 'active', 'delayed', 'prioritized');
    return Object.values(counts).every((count) => count === 0);
  }

  /** The parts that nobody takes any more. */
  async given(): Promise<Set<string>> {
    const failed = await this.#queue.getFailed();
    return new Set(failed.map(({ data }) => data.part));
  }

  /** Lets parts be taken again that nobody takes any more. */
  async forgive(): Promise<void> {
    await this.#queue.clean(0, 0, 'failed');
  }

  /** Adds parts; one that is there already stays as it is. */
  async add(parts: readonly string[]): Promise<void> {
    for (let start = 0; start < parts.length; start += ADDED_AT_ONCE) {
      const some = parts.slice(start, start + ADDED_AT_ONCE);
      await this.#queue.addBulk(
        some.map((part) => ({ name: 'part', data: { part }, opts: { jobId: part, removeOnComplete: true } })),
      );
    }
  }

  /**
   * Takes parts, one at a time, until the queue is closed. A part whose work rejects is given back, and no other taken.
   *
   * @param onDone - called after each that was done
   */
  work(work: (part: string) => Promise<void>, onDone: () => void): void {
    const { bullmq, redis } = this.connection;
    const process = async (job: Job<Payload>, token = ''): Promise<void> => {
      try {
        await work(job.data.part);
      } catch {
        void worker.close(); // before the next one is taken; what went wrong is the work's to tell
        await job.moveToWait(token);
        throw new bullmq.WaitingError();
      }
    };
    const worker = new bullmq.Worker<Payload>(this.#name, process, {
      connection: redis,
      prefix: PREFIX,
      concurrency: 1,
      lockDuration: 1000 * this.stalledAfter,
      stalledInterval: 1000 * Math.min(this.stalledAfter, LOOK),
      maxStalledCount: MAX_STALLED,
      runRetryDelay: 1000,
      drainDelay: 1,
    });
    worker.on('completed', onDone);
    // Redis may have forgotten a part that was worked on: it counts as done once its file is there.
    worker.on('error', () => undefined);
    this.#worker = worker;
  }

  /** Ends taking parts, after the one at hand is done or given back. */
  async close(): Promise<void> {
    await this.#worker?.close();
    await this.#queue.close();
  }

  /** Leaves nothing of the job in Redis. */
  async clear(): Promise<void> {
    await this.#worker?.close();
    await this.#queue.obliterate({ force: true });
    const { redis } = this.connection;
    if ((await redis.get(this.#key)) === this.#claim) await redis.del(this.#key);
  }
}
