import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Why a request failed, in Triton's words. */
export type FailureReason = 'REJECTED' | 'CANCELED' | 'BACKEND' | 'OTHER';

/** Metrics of one model. Durations are in milliseconds. */
export interface ModelMetrics {
  success(ms: number): void;
  failure(reason: FailureReason, ms: number): void;
  /** A successful request: its pictures, and where its time went. */
  completed(times: { rows: number; inputMs: number; queueMs: number; computeMs: number }): void;
  batch(rows: number, computeMs: number): void;
}

/** Metrics of the process and its event loop. All servers share one registry, since the observers can never be stopped. */
let processMetrics: Registry | undefined;

function processRegistry(): Registry {
  if (processMetrics === undefined) {
    processMetrics = new Registry();
    collectDefaultMetrics({ register: processMetrics });
  }
  return processMetrics;
}

/** Prometheus metrics: those of Triton by their names, and a few of our own (resnet_…). */
export class Metrics {
  readonly #registry = new Registry();
  readonly #success = this.#counter('nv_inference_request_success', 'Requests that were answered');
  readonly #failure = this.#counter('nv_inference_request_failure', 'Requests that failed', [
    'model',
    'version',
    'reason',
  ]);
  readonly #rows = this.#counter('nv_inference_count', 'Pictures that were inferred');
  readonly #batches = this.#counter('nv_inference_exec_count', 'Batches that were run');
  readonly #request = this.#counter('nv_inference_request_duration_us', 'Time from request to answer, in all');
  readonly #queue = this.#counter('nv_inference_queue_duration_us', 'Time that requests spent in the queue, in all');
  readonly #input = this.#counter('nv_inference_compute_input_duration_us', 'Time spent decoding, in all');
  readonly #infer = this.#counter('nv_inference_compute_infer_duration_us', 'Time spent inferring, in all');
  readonly #warnings = new Gauge({
    name: 'resnet_weights_warnings',
    help: 'Warnings about the weights while they were loaded; the log has their text',
    labelNames: ['model', 'version'],
    registers: [this.#registry],
  });
  readonly #sizes = new Histogram({
    name: 'resnet_batch_size',
    help: 'Pictures in a batch',
    labelNames: ['model', 'version'],
    buckets: [1, 2, 4, 8, 16, 32, 64, 128],
    registers: [this.#registry],
  });
  readonly #seconds = new Histogram({
    name: 'resnet_request_seconds',
    help: 'Time from request to answer',
    labelNames: ['model', 'version'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.#registry],
  });

  readonly contentType = this.#registry.contentType;

  /** @param pending - the places taken in each model's queue */
  constructor(pending: () => readonly (readonly [model: string, count: number])[]) {
    new Gauge({
      name: 'nv_inference_pending_request_count',
      help: 'Pictures that wait for a batch',
      labelNames: ['model', 'version'],
      registers: [this.#registry],
      collect() {
        for (const [model, count] of pending()) this.set({ model, version: '1' }, count);
      },
    });
  }

  /** @param warnings - how many warnings loading its weights gave */
  of(model: string, warnings = 0): ModelMetrics {
    const labels = { model, version: '1' };
    this.#warnings.set(labels, warnings);
    // Present from the start, so that rates over them have no gap.
    for (const counter of [this.#success, this.#rows, this.#batches, this.#request, this.#queue, this.#input]) {
      counter.inc(labels, 0);
    }
    this.#infer.inc(labels, 0);
    const us = (ms: number): number => Math.round(1000 * ms);
    return {
      success: (ms) => {
        this.#success.inc(labels);
        this.#request.inc(labels, us(ms));
        this.#seconds.observe(labels, ms / 1000);
      },
      failure: (reason) => this.#failure.inc({ ...labels, reason }),
      completed: ({ rows, inputMs, queueMs, computeMs }) => {
        this.#rows.inc(labels, rows);
        this.#input.inc(labels, us(inputMs));
        this.#queue.inc(labels, us(queueMs));
        this.#infer.inc(labels, us(computeMs));
      },
      batch: (rows) => {
        this.#batches.inc(labels);
        this.#sizes.observe(labels, rows);
      },
    };
  }

  async text(): Promise<string> {
    return `${await this.#registry.metrics()}\n${await processRegistry().metrics()}`;
  }

  #counter(name: string, help: string, labelNames = ['model', 'version']): Counter {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }
}
