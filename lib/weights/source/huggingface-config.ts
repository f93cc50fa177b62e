import { inspect } from '../../errors';
import { layersOf } from '../names/article';
import type { JsonFields } from '../formats/json-file';
import { malformed } from '../formats/malformed';
import { activationOf } from './activation';
import { checkLabel, MAX_LABELS, NO_PREPROCESS } from './common-fields';
import type { WeightSource } from './weight-source';

/**
 * Reads Hugging Face's `config.json` of a ResNet (transformers' ResNetConfig); undefined if it is another program's.
 *
 * @throws ERR_WEIGHTS_FORMAT
 */
export function huggingfaceConfig(config: JsonFields): WeightSource | undefined {
  if (!config.is('model_type', 'resnet')) return undefined;
  const bottleneck =
    (config.read('layer_type', "'basic' or 'bottleneck'", isLayerType) ?? 'bottleneck') === 'bottleneck';
  const depths = config.numbers('depths', undefined, 1, 1000) ?? [3, 4, 6, 3];
  const labels = parseLabels(config);
  return {
    from: 'huggingface',
    layers: layersOf(depths, bottleneck),
    numClasses: labels?.length ?? config.integer('num_labels', 1, MAX_LABELS),
    activation: activationOf(config),
    labels: labels?.every((label, i) => label === `LABEL_${i}`) ? undefined : labels,
    ...NO_PREPROCESS,
    deviation: findDeviation(config, bottleneck),
  };
}

/** Settings of a ResNetConfig that change the network, but no tensor's name or shape. */
function findDeviation(config: JsonFields, bottleneck: boolean): string | undefined {
  if (bottleneck && config.flag('downsample_in_bottleneck') === true) {
    return 'downsample_in_bottleneck is true: the stride is in the 1x1 convolution';
  }
  if (config.flag('downsample_in_first_stage') === true) return 'downsample_in_first_stage is true';
  const activation = config.text('hidden_act') ?? 'relu';
  return activation === 'relu' ? undefined : `hidden_act is ${inspect(activation)}`;
}

/** `id2label`: {"0": "tench", "1": …}, with every number from 0 on. */
function parseLabels(config: JsonFields): string[] | undefined {
  const entries = config.object('id2label')?.entries();
  if (entries === undefined || entries.length === 0) return undefined;
  if (entries.length > MAX_LABELS) throw malformed(config.path, `has ${entries.length} labels in its id2label`);
  const byNumber = new Map(entries);
  const labels = entries.map((_, i) => {
    if (byNumber.has(String(i))) return checkLabel(config.path, byNumber.get(String(i)));
    throw malformed(config.path, `has ${entries.length} labels in its id2label and none for ${i}`);
  });
  const count = config.integer('num_labels', 1, MAX_LABELS);
  if (count === undefined || count === labels.length) return labels;
  throw malformed(config.path, `has ${count} as its num_labels, and ${labels.length} labels in its id2label`);
}

function isLayerType(value: unknown): value is string {
  return value === 'basic' || value === 'bottleneck';
}
