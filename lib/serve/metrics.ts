import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Why a request failed, in Triton's words. */
export type FailureReason = 'REJECTED' | 'CANCELED' | 'BACKEND' | 'OTHER';

/** What one model's requests report. Durations in milliseconds. */
export interface ModelMetrics {
  success(): void;
  failure(reason: FailureReason): void;
  request(ms: number): void;
  /** Of a request that was answered: its pictures, and where its time went. */
  answered(times: { rows: number; inputMs: number; queueMs: number; computeMs: number }): void;
  batch(rows: number): void;
}

/** Figures of the process and its event loop: one registry for all servers in it, since their observers never end. */
let ofProcess: Registry | undefined;

function processRegistry(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
}

/** Metrics by the names that Triton gives them, and a few of ours. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #success = this.#counter('nv_inference_request_success', 'Requests that were answered', [
    'model',
    'version',
  ]);
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

  /** @param pending - each model's places that are held in its queue */
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

  of(model: string): ModelMetrics {
    const labels = { model, version: '1' };
    // From the start, so that a rate over them has no gap.
    for (const counter of [this.#success, this.#rows, this.#batches, this.#request, this.#queue, this.#input]) {
      counter.inc(labels, 0);
    }
    this.#infer.inc(labels, 0);
    const us = (ms: number): number => Math.round(1000 * ms);
    return {
      success: () => this.#success.inc(labels),
      failure: (reason) => this.#failure.inc({ ...labels, reason }),
      request: (ms) => {
        this.#request.inc(labels, us(ms));
        this.#seconds.observe(labels, ms / 1000);
      },
      answered: ({ rows, inputMs, queueMs, computeMs }) => {
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
