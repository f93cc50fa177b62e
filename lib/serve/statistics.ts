import type { ModelMetrics } from './metrics';

/** A number of events and their duration in all, in Triton's form. */
interface Duration {
  count: number;
  ns: number;
}

const NONE: Readonly<Duration> = { count: 0, ns: 0 };

/**
 * Statistics of one model since the server started, in the form of Triton's statistics extension. Times of single batches
 * are known for inference only; encoding the answers is not measured.
 */
export class Statistics implements ModelMetrics {
  readonly #success = { ...NONE };
  readonly #fail = { ...NONE };
  readonly #queue = { ...NONE };
  readonly #input = { ...NONE };
  readonly #infer = { ...NONE };
  readonly #batches = new Map<number, Duration>();
  #rows = 0;
  #lastInference = 0;

  success(ms: number): void {
    add(this.#success, ms);
  }

  failure(_: unknown, ms: number): void {
    add(this.#fail, ms);
  }

  completed({ rows, inputMs, queueMs, computeMs }: Parameters<ModelMetrics['completed']>[0]): void {
    this.#rows += rows;
    this.#lastInference = Date.now();
    add(this.#input, inputMs);
    add(this.#queue, queueMs);
    add(this.#infer, computeMs);
  }

  batch(rows: number, computeMs: number): void {
    const batch = this.#batches.get(rows) ?? { ...NONE };
    this.#batches.set(rows, batch);
    add(batch, computeMs);
  }

  /** Triton's form. */
  toJSON(): object {
    const batches = [...this.#batches].sort(([a], [b]) => a - b);
    return {
      last_inference: this.#lastInference, // milliseconds since 1970
      inference_count: this.#rows,
      execution_count: batches.reduce((sum, [, { count }]) => sum + count, 0),
      inference_stats: {
        success: this.#success,
        fail: this.#fail,
        queue: this.#queue,
        compute_input: this.#input,
        compute_infer: this.#infer,
        compute_output: { count: this.#success.count, ns: 0 },
        cache_hit: NONE,
        cache_miss: NONE,
      },
      batch_stats: batches.map(([batchSize, infer]) => ({
        batch_size: batchSize,
        compute_input: { count: infer.count, ns: 0 },
        compute_infer: infer,
        compute_output: { count: infer.count, ns: 0 },
      })),
    };
  }
}

function add(duration: Duration, ms: number): void {
  duration.count++;
  duration.ns += Math.round(1e6 * ms);
}
