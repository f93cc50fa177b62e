import type { Image } from './image';

/** Options of {@link runStream}. */
export interface StreamOptions<Prepared, Result> {
  /** Makes one picture ready for the network. Several run at a time. `undefined` stands for one without a result. */
  prepare: (image: Image, index: number) => Promise<Prepared | undefined>;
  /** Runs a batch: a result for each picture. One call at a time. */
  run: (batch: readonly Prepared[], firstIndex: number) => Promise<readonly Result[]>;
  /** Pictures taken from the source whose results the consumer has not received, at most. */
  maxPending: number;
  /** Pictures in a batch, at most. */
  batchSize: number;
  signal: AbortSignal | undefined;
  /** Called at the end, before the pictures in work are awaited: those that have not begun need not. */
  onStop: () => void;
}

/** Any source of pictures but a list. */
export type ImageStream = AsyncIterable<Image> | Iterable<Image>;

/** A string and bytes can be iterated too, but each is a picture. */
export function isImageStream(images: unknown): images is ImageStream {
  if (typeof images !== 'object' || images === null || Array.isArray(images) || ArrayBuffer.isView(images))
    return false;
  return Symbol.asyncIterator in images || Symbol.iterator in images;
}

/**
 * Runs the pictures of a stream through a network, in their order. A batch takes what is ready when the network is: a
 * fast source gets full batches, and a slow one gets each result at once.
 *
 * At the end, also after an error, an abort or the consumer's early `return()`, no picture is in work and the source is
 * closed. Only a source that is still waiting for its next picture then closes by itself, when that has come.
 */
export async function* runStream<Prepared, Result>(
  images: ImageStream,
  { prepare, run, maxPending, batchSize, signal, onStop }: StreamOptions<Prepared, Result>,
): AsyncGenerator<Result | undefined> {
  signal?.throwIfAborted();
  const source = Symbol.asyncIterator in images ? images[Symbol.asyncIterator]() : images[Symbol.iterator]();
  const queue: Promise<Prepared | undefined>[] = [];
  let [taken, yielded] = [0, 0];
  let [ended, stopped] = [false, false];
  let failure: { reason: unknown } | undefined;
  let pull: Promise<void> | undefined; // takes the source's next picture

  const take = async (): Promise<void> => {
    try {
      const next = await source.next();
      if (next.done === true) ended = true;
      else if (!stopped) {
        const prepared = prepare(next.value, taken++);
        prepared.catch(() => undefined); // it may fail before it is awaited
        queue.push(prepared);
      }
    } catch (reason) {
      ended = true;
      failure = { reason };
    }
  };

  /** Begins to take the next picture, if there is room. */
  const fill = (): void => {
    if (pull !== undefined || ended || stopped || taken - yielded >= maxPending) return;
    pull = take().then(() => {
      pull = undefined;
      fill();
    });
  };

  try {
    for (;;) {
      fill();
      const [first] = queue;
      if (first === undefined) {
        if (pull !== undefined) await untilAborted(pull, signal);
        else if (failure !== undefined) throw failure.reason;
        else return;
        continue;
      }
      await untilAborted(first, signal);
      const batch = queue.splice(0, await settledCount(queue, batchSize));
      const prepared = await Promise.all(batch);
      const inputs = prepared.filter((input) => input !== undefined);
      const results = inputs.length === 0 ? [] : await run(inputs, yielded);
      let next = 0;
      for (const input of prepared) {
        const result = input === undefined ? undefined : results[next++];
        yielded++;
        fill();
        yield result;
        signal?.throwIfAborted();
      }
    }
  } finally {
    stopped = true;
    onStop();
    await Promise.allSettled(queue);
    if (!ended) {
      const closed = close(source);
      if (pull === undefined) await closed;
    }
  }
}

/** What ended the stream matters more than a source that does not close well. */
async function close(source: AsyncIterator<Image> | Iterator<Image>): Promise<void> {
  try {
    await source.return?.();
  } catch {
    // Nothing of it is needed any more.
  }
}

/** How many promises at the head of a queue, whose first one is settled, are fulfilled. At least one. */
async function settledCount(queue: readonly Promise<unknown>[], max: number): Promise<number> {
  let count = 1;
  const pending = Symbol('pending');
  while (count < max && count < queue.length) {
    const state = await Promise.race([queue[count], Promise.resolve(pending)]).catch(() => pending);
    if (state === pending) break;
    count++;
  }
  return count;
}

/** Waits for a promise, or rejects with the signal's reason. (`Promise.race` would keep a reaction for every wait.) */
async function untilAborted(promise: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  let onAbort = (): void => undefined;
  try {
    await new Promise((resolve, reject) => {
      onAbort = () => reject(signal?.reason as Error);
      signal?.addEventListener('abort', onAbort);
      promise.then(resolve, reject);
    });
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
