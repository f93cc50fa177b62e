/** Runs asynchronous work with at most `max` at a time; the rest waits in order. */
export class Limiter {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(max: number) {
    this.#free = max;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next(); // hands its place over
    }
  }
}

/** Maps items with at most `max` at a time; results in the items' order. After an error no more items are begun. */
export function boundedMap<T, R>(
  items: readonly T[],
  max: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const limiter = new Limiter(max);
  const failed = new AbortController();
  return Promise.all(
    items.map((item, index) =>
      limiter.run(async () => {
        failed.signal.throwIfAborted();
        try {
          return await work(item, index);
        } catch (error) {
          failed.abort(error);
          throw error;
        }
      }),
    ),
  );
}
