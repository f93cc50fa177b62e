import { ResNetError } from '../errors';

/** Options of {@link Batcher}. */
export interface BatcherOptions {
  /** The most rows in one batch. */
  maxBatchSize: number;
  /** How long a row waits for others while its batch isn't full, in milliseconds; 0 takes what is there. */
  maxQueueDelayMs: number;
  /** The most places that are held by what does not run yet. */
  maxQueueSize: number;
  /** Batches that run at the same time. */
  concurrency: number;
  /** Told of every batch that was run, also of one that failed. */
  onBatch?: ((batch: { rows: number; computeMs: number }) => void) | undefined;
}

/** One input of a batch. Rows of one group, which is one shape and one kind of answer, can go together. */
export interface Row<T> {
  group: string;
  value: T;
}

/** One row's answer, and how long it took. */
export interface Answer<R> {
  value: R;
  queueMs: number;
  computeMs: number;
}

interface Waiting<T, R> {
  value: T;
  order: number;
  since: number;
  queueMs: number;
  /** Settled: answered, failed, or its signal has spoken. */
  done: boolean;
  resolve: (answer: Answer<R>) => void;
  reject: (reason: unknown) => void;
  /** Where it runs; absent while it waits. */
  batch?: { left: number; controller: AbortController };
}

/**
 * Gathers rows that come from anywhere into batches, greedily: as soon as one may run, it takes what waits, oldest
 * first. It knows neither networks nor HTTP.
 */
export class Batcher<T, R> {
  readonly #run: (rows: readonly T[], group: string, signal: AbortSignal) => Promise<readonly R[]>;
  readonly #options: BatcherOptions;
  readonly #groups = new Map<string, Waiting<T, R>[]>();
  #held = 0;
  #running = 0;
  #order = 0;
  #soon = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param run - answers a batch, one result for each row; may be aborted once nobody waits for any of them */
  constructor(
    run: (rows: readonly T[], group: string, signal: AbortSignal) => Promise<readonly R[]>,
    options: BatcherOptions,
  ) {
    this.#run = run;
    this.#options = options;
  }

  /** Places held by what does not run yet. */
  get pending(): number {
    return this.#held;
  }

  /** Whether not even one more place is to be had. */
  get full(): boolean {
    return this.#held >= this.#options.maxQueueSize;
  }

  /** @throws ERR_TOO_LARGE where so many places would never fit */
  check(places: number): void {
    const { maxQueueSize } = this.#options;
    if (places <= maxQueueSize) return;
    throw new ResNetError('ERR_TOO_LARGE', `A request may have at most ${maxQueueSize} pictures, but got ${places}.`);
  }

  /**
   * Takes places in the queue before the work of filling them begins, so that a full queue says so at once.
   *
   * @throws ERR_QUEUE_FULL; ERR_TOO_LARGE where so many would never fit
   */
  reserve(places: number): Places<T, R> {
    this.check(places);
    const { maxQueueSize } = this.#options;
    if (this.#held + places > maxQueueSize) {
      throw new ResNetError('ERR_QUEUE_FULL', `The queue is full: it holds ${maxQueueSize} pictures. Try again later.`);
    }
    this.#held += places;
    let left = places;
    const release = (count: number): void => {
      left -= count;
      this.#held -= count;
    };
    return {
      run: (rows, signal) => {
        if (rows.length > left) throw new Error('more rows than places');
        left -= rows.length; // each row frees its own
        return this.#submit(rows, signal);
      },
      release: () => release(left),
    };
  }

  async #submit(rows: readonly Row<T>[], signal: AbortSignal | undefined): Promise<Answer<R>[]> {
    if (signal?.aborted) {
      this.#held -= rows.length;
      throw signal.reason;
    }
    const since = performance.now();
    const waiting: [Waiting<T, R>, string][] = [];
    const answers = rows.map(
      ({ group, value }) =>
        new Promise<Answer<R>>((resolve, reject) => {
          const row = { value, order: this.#order++, since, queueMs: 0, done: false, resolve, reject };
          const queue = this.#groups.get(group);
          if (queue === undefined) this.#groups.set(group, [row]);
          else queue.push(row);
          waiting.push([row, group]);
        }),
    );
    const leave = (): void => waiting.forEach(([row, group]) => this.#leave(row, group, signal?.reason));
    signal?.addEventListener('abort', leave, { once: true });
    this.#pumpSoon();
    try {
      return await Promise.all(answers);
    } catch (error) {
      // One row of a request failed: nobody will see the answers of its others.
      waiting.forEach(([row, group]) => this.#leave(row, group, error));
      await Promise.allSettled(answers);
      throw error;
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  #leave(row: Waiting<T, R>, group: string, reason: unknown): void {
    if (row.done) return;
    row.done = true;
    if (row.batch === undefined) {
      this.#held--;
      const queue = this.#groups.get(group) ?? [];
      const others = queue.filter((other) => other !== row);
      if (others.length > 0) this.#groups.set(group, others);
      else this.#groups.delete(group);
    } else if (--row.batch.left === 0) {
      row.batch.controller.abort(reason);
    }
    row.reject(reason);
  }

  /** After the other sockets of this turn of the event loop have been read, so that what came together goes together. */
  #pumpSoon(): void {
    if (this.#soon) return;
    this.#soon = true;
    setImmediate(() => {
      this.#soon = false;
      this.#pump();
    });
  }

  #pump(): void {
    clearTimeout(this.#timer);
    while (this.#running < this.#options.concurrency) {
      const group = this.#ripest();
      if (group === undefined) return;
      const queue = this.#groups.get(group) ?? [];
      const rows = queue.splice(0, this.#options.maxBatchSize);
      if (queue.length === 0) this.#groups.delete(group);
      void this.#runBatch(group, rows);
    }
  }

  /** The group with the oldest row among those that are full or have waited long enough. */
  #ripest(): string | undefined {
    const { maxBatchSize, maxQueueDelayMs } = this.#options;
    const now = performance.now();
    let [best, oldest, soonest] = [undefined as string | undefined, Infinity, Infinity];
    for (const [group, [first, ...others]] of this.#groups) {
      if (first === undefined) continue;
      const wait = others.length + 1 >= maxBatchSize ? 0 : first.since + maxQueueDelayMs - now;
      if (wait > 0) soonest = Math.min(soonest, wait);
      else if (first.order < oldest) [best, oldest] = [group, first.order];
    }
    if (best === undefined && soonest < Infinity) this.#timer = setTimeout(() => this.#pump(), Math.ceil(soonest));
    return best;
  }

  async #runBatch(group: string, rows: readonly Waiting<T, R>[]): Promise<void> {
    this.#running++;
    this.#held -= rows.length;
    const now = performance.now();
    for (const row of rows) row.queueMs = now - row.since;
    try {
      const error = await this.#attempt(group, rows);
      if (error === undefined) return;
      if (rows.length === 1) {
        fail(rows[0] as Waiting<T, R>, error);
        return;
      }
      // One of them may be at fault: each for itself then, so that it fails alone.
      for (const row of rows) {
        if (row.done) continue;
        const own = await this.#attempt(group, [row]);
        if (own !== undefined) fail(row, own);
      }
    } finally {
      this.#running--;
      this.#pumpSoon(); // not at once: who is told of a failure may take rows out
    }
  }

  /** Answers rows in one batch, or says why that failed. */
  async #attempt(group: string, rows: readonly Waiting<T, R>[]): Promise<{ reason: unknown } | undefined> {
    const batch = { left: rows.length, controller: new AbortController() };
    for (const row of rows) row.batch = batch;
    const values = rows.map(({ value }) => value);
    const begun = performance.now();
    try {
      const results = await this.#run(values, group, batch.controller.signal);
      if (results.length !== rows.length) throw new Error(`${rows.length} rows, but ${results.length} results`);
      const computeMs = performance.now() - begun;
      rows.forEach((row, i) => {
        if (row.done) return;
        row.done = true;
        row.resolve({ value: results[i] as R, queueMs: row.queueMs, computeMs });
      });
      return undefined;
    } catch (reason) {
      return { reason };
    } finally {
      this.#options.onBatch?.({ rows: rows.length, computeMs: performance.now() - begun });
    }
  }
}

/** Places in a queue, held until their rows run. */
export interface Places<T, R> {
  /** Answers the rows; rejects with the first failure, or at once with the signal's reason. */
  run(rows: readonly Row<T>[], signal?: AbortSignal): Promise<Answer<R>[]>;
  /** Gives back what was not used. Doing so again does nothing. */
  release(): void;
}

function fail<T, R>(row: Waiting<T, R>, { reason }: { reason: unknown }): void {
  if (row.done) return;
  row.done = true;
  row.reject(reason);
}
