import { ResNetError } from '../errors';

/** Options of {@link Batcher}. */
export interface BatcherOptions<K> {
  /** Maximum rows in one batch. */
  maxBatchSize: number;
  /** How long a row waits for others while its batch is not full, in milliseconds; 0: not at all. */
  maxQueueDelayMs: number;
  /** Maximum places in the queue: rows that are reserved and do not run yet. */
  maxQueueSize: number;
  /** Batches that run at the same time. */
  concurrency: number;
  /** The same string for equal keys. */
  keyId: (key: K) => string;
  /** Called after every batch, also after one that failed. */
  onBatch?: ((batch: { rows: number; computeMs: number }) => void) | undefined;
}

/** One input of a batch; rows with equal keys can share one. */
export interface Row<T, K> {
  key: K;
  value: T;
}

/** The result of one row. */
export interface RowResult<R> {
  value: R;
  /** How long it waited, and how long its batch ran. */
  queueMs: number;
  computeMs: number;
}

interface QueuedRow<T, R> {
  value: T;
  /** Counts up; rows run in this order. */
  order: number;
  queuedAt: number;
  queueMs: number;
  /** Its promise is settled: done, failed or aborted. */
  settled: boolean;
  resolve: (result: RowResult<R>) => void;
  reject: (reason: unknown) => void;
  /** The batch that it runs in; absent while it waits. */
  batch?: { unsettled: number; controller: AbortController };
}

/** The waiting rows of one key. */
interface Queue<T, R, K> {
  key: K;
  rows: QueuedRow<T, R>[];
}

/**
 * Groups rows of many requests into batches, greedily: whenever a batch may run, it takes the rows that wait, oldest
 * first. It knows neither networks nor HTTP.
 */
export class Batcher<T, R, K> {
  readonly #run: (rows: readonly T[], key: K, signal: AbortSignal) => Promise<readonly R[]>;
  readonly #options: BatcherOptions<K>;
  readonly #queues = new Map<string, Queue<T, R, K>>();
  #pending = 0;
  #running = 0;
  #order = 0;
  #pumpScheduled = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param run - computes a batch, one result per row; its signal aborts once no row is awaited any more */
  constructor(
    run: (rows: readonly T[], key: K, signal: AbortSignal) => Promise<readonly R[]>,
    options: BatcherOptions<K>,
  ) {
    this.#run = run;
    this.#options = options;
  }

  /** Places taken in the queue. */
  get pending(): number {
    return this.#pending;
  }

  /** Whether no place is free. */
  get full(): boolean {
    return this.#pending >= this.#options.maxQueueSize;
  }

  /** @throws ERR_TOO_LARGE if even an empty queue has fewer places */
  check(places: number): void {
    const { maxQueueSize } = this.#options;
    if (places <= maxQueueSize) return;
    throw new ResNetError('ERR_TOO_LARGE', `A request may have at most ${maxQueueSize} pictures, but got ${places}.`);
  }

  /**
   * Reserves places before their rows exist, so that a full queue rejects a request before its pictures are decoded.
   *
   * @throws ERR_QUEUE_FULL; ERR_TOO_LARGE if even an empty queue has fewer places
   */
  reserve(places: number): Reservation<T, R, K> {
    this.check(places);
    const { maxQueueSize } = this.#options;
    if (this.#pending + places > maxQueueSize) {
      throw new ResNetError('ERR_QUEUE_FULL', `The queue is full: it holds ${maxQueueSize} pictures. Try again later.`);
    }
    this.#pending += places;
    let unused = places;
    return {
      run: (rows, signal) => {
        if (rows.length > unused) throw new Error('more rows than reserved places');
        unused -= rows.length; // each row frees its own place
        return this.#submit(rows, signal);
      },
      release: () => {
        this.#pending -= unused;
        unused = 0;
      },
    };
  }

  async #submit(rows: readonly Row<T, K>[], signal: AbortSignal | undefined): Promise<RowResult<R>[]> {
    if (signal?.aborted) {
      this.#pending -= rows.length;
      throw signal.reason;
    }
    const queuedAt = performance.now();
    const queued: [QueuedRow<T, R>, queueId: string][] = [];
    const results = rows.map(
      ({ key, value }) =>
        new Promise<RowResult<R>>((resolve, reject) => {
          const row = { value, order: this.#order++, queuedAt, queueMs: 0, settled: false, resolve, reject };
          const id = this.#options.keyId(key);
          const queue = this.#queues.get(id);
          if (queue === undefined) this.#queues.set(id, { key, rows: [row] });
          else queue.rows.push(row);
          queued.push([row, id]);
        }),
    );
    const abort = (): void => queued.forEach(([row, id]) => this.#drop(row, id, signal?.reason));
    signal?.addEventListener('abort', abort, { once: true });
    this.#schedulePump();
    try {
      return await Promise.all(results);
    } catch (error) {
      // One row failed, so nobody will see the results of the request's others.
      queued.forEach(([row, id]) => this.#drop(row, id, error));
      await Promise.allSettled(results);
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Rejects a row: takes it out of its queue, or aborts its batch if it was the last one awaited there. */
  #drop(row: QueuedRow<T, R>, queueId: string, reason: unknown): void {
    if (row.settled) return;
    row.settled = true;
    if (row.batch === undefined) {
      this.#pending--;
      const queue = this.#queues.get(queueId);
      if (queue !== undefined) {
        queue.rows = queue.rows.filter((other) => other !== row);
        if (queue.rows.length === 0) this.#queues.delete(queueId);
      }
    } else if (--row.batch.unsettled === 0) {
      row.batch.controller.abort(reason);
    }
    row.reject(reason);
  }

  /** Pumps after all sockets of this turn of the event loop were read, so that requests that came together share a batch. */
  #schedulePump(): void {
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    setImmediate(() => {
      this.#pumpScheduled = false;
      this.#pump();
    });
  }

  /** Starts as many batches as may run. */
  #pump(): void {
    clearTimeout(this.#timer);
    while (this.#running < this.#options.concurrency) {
      const id = this.#nextQueue();
      if (id === undefined) return;
      const queue = this.#queues.get(id);
      if (queue === undefined) return;
      const rows = queue.rows.splice(0, this.#options.maxBatchSize);
      if (queue.rows.length === 0) this.#queues.delete(id);
      void this.#runBatch(queue.key, rows);
    }
  }

  /** Of the queues that are full or have waited long enough the one with the oldest row; else sets a timer. */
  #nextQueue(): string | undefined {
    const { maxBatchSize, maxQueueDelayMs } = this.#options;
    const now = performance.now();
    let [next, oldest, soonest] = [undefined as string | undefined, Infinity, Infinity];
    for (const [id, { rows }] of this.#queues) {
      const [first] = rows;
      if (first === undefined) continue;
      const wait = rows.length >= maxBatchSize ? 0 : first.queuedAt + maxQueueDelayMs - now;
      if (wait > 0) soonest = Math.min(soonest, wait);
      else if (first.order < oldest) [next, oldest] = [id, first.order];
    }
    if (next === undefined && soonest < Infinity) this.#timer = setTimeout(() => this.#pump(), Math.ceil(soonest));
    return next;
  }

  async #runBatch(key: K, rows: readonly QueuedRow<T, R>[]): Promise<void> {
    this.#running++;
    this.#pending -= rows.length;
    const now = performance.now();
    for (const row of rows) row.queueMs = now - row.queuedAt;
    try {
      const error = await this.#attempt(key, rows);
      if (error === undefined) return;
      if (rows.length === 1) {
        fail(rows[0] as QueuedRow<T, R>, error);
        return;
      }
      // One row may be at fault: each runs alone now, so that only that one fails.
      for (const row of rows) {
        if (row.settled) continue;
        const rowError = await this.#attempt(key, [row]);
        if (rowError !== undefined) fail(row, rowError);
      }
    } finally {
      this.#running--;
      this.#schedulePump(); // not at once: handlers of a failure may take more rows out
    }
  }

  /** Runs rows as one batch and resolves them, or returns why that failed. */
  async #attempt(key: K, rows: readonly QueuedRow<T, R>[]): Promise<{ reason: unknown } | undefined> {
    const batch = { unsettled: rows.length, controller: new AbortController() };
    for (const row of rows) row.batch = batch;
    const values = rows.map(({ value }) => value);
    const start = performance.now();
    try {
      const results = await this.#run(values, key, batch.controller.signal);
      if (results.length !== rows.length) throw new Error(`${rows.length} rows, but ${results.length} results`);
      const computeMs = performance.now() - start;
      rows.forEach((row, i) => {
        if (row.settled) return;
        row.settled = true;
        row.resolve({ value: results[i] as R, queueMs: row.queueMs, computeMs });
      });
      return undefined;
    } catch (reason) {
      return { reason };
    } finally {
      this.#options.onBatch?.({ rows: rows.length, computeMs: performance.now() - start });
    }
  }
}

/** Places in the queue; each is taken until its row runs. */
export interface Reservation<T, R, K> {
  /** Queues the rows; rejects with the first failure, or immediately with the signal's reason. */
  run(rows: readonly Row<T, K>[], signal?: AbortSignal): Promise<RowResult<R>[]>;
  /** Frees the places that were not used. It may be called again. */
  release(): void;
}

function fail<T, R>(row: QueuedRow<T, R>, { reason }: { reason: unknown }): void {
  if (row.settled) return;
  row.settled = true;
  row.reject(reason);
}
