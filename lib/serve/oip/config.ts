import type { Model } from '../model';
import type { Limits } from '../options';
import { INPUTS } from './request';

/** Triton's names of the datatypes in a model's configuration. */
const DATA_TYPES = { BYTES: 'TYPE_STRING', UINT8: 'TYPE_UINT8', FP32: 'TYPE_FP32' } as const;

/** The response of `GET /v2/models/M/config`: Triton's model configuration extension. `dims` lack the batch. */
export function modelConfig(
  { name, numClasses, device, streams }: Pick<Model, 'name' | 'numClasses' | 'device' | 'streams'>,
  { maxBatchSize, maxQueueDelayMs, maxQueueSize, timeoutMs }: Limits,
): object {
  return {
    name,
    platform: 'libtorch_resnet',
    backend: 'libtorch_resnet',
    version_policy: { latest: { num_versions: 1 } },
    max_batch_size: maxBatchSize,
    input: Object.entries(INPUTS).map(([input, { datatype, shape }]) => ({
      name: input,
      data_type: DATA_TYPES[datatype],
      dims: shape.slice(1),
      optional: true, // a request has one of them
    })),
    output: [{ name: 'logits', data_type: 'TYPE_FP32', dims: [numClasses] }],
    instance_group: [{ name, kind: device === 'cpu' ? 'KIND_CPU' : 'KIND_GPU', count: streams }],
    dynamic_batching: {
      max_queue_delay_microseconds: 1000 * maxQueueDelayMs,
      default_queue_policy: {
        timeout_action: 'REJECT',
        default_timeout_microseconds: 1000 * timeoutMs,
        allow_timeout_override: true,
        max_queue_size: maxQueueSize,
      },
    },
  };
}
