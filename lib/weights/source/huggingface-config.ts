import { show } from '../../errors';
import { layersOf } from '../names/article';
import { broken, type Fields } from '../formats/json-file';
import type { WeightSource } from './read-source';
import { checkLabel, MAX_LABELS, UNTOLD } from './common-fields';

/**
 * Hugging Face's `config.json` of a ResNet (transformers' ResNetConfig); undefined where it is something else's.
 *
 * @throws ERR_WEIGHTS_FORMAT
 */
export function huggingfaceConfig(config: Fields): WeightSource | undefined {
  if (!config.is('model_type', 'resnet')) return undefined;
  const bottleneck =
    (config.read('layer_type', "'basic' or 'bottleneck'", isLayerType) ?? 'bottleneck') === 'bottleneck';
  const depths = config.numbers('depths', undefined, 1, 1000) ?? [3, 4, 6, 3];
  const labels = labelsOf(config);
  return {
    from: 'huggingface',
    layers: layersOf(depths, bottleneck),
    numClasses: labels?.length ?? config.integer('num_labels', 1, MAX_LABELS),
    labels: labels?.every((label, i) => label === `LABEL_${i}`) ? undefined : labels,
    ...UNTOLD,
    unlike: unlike(config, bottleneck),
  };
}

/** What a ResNetConfig can ask for that shows in no tensor's name or shape. */
function unlike(config: Fields, bottleneck: boolean): string | undefined {
  if (bottleneck && config.flag('downsample_in_bottleneck') === true) {
    return 'downsample_in_bottleneck is true: the stride is in the 1x1 convolution';
  }
  if (config.flag('downsample_in_first_stage') === true) return 'downsample_in_first_stage is true';
  const activation = config.text('hidden_act') ?? 'relu';
  return activation === 'relu' ? undefined : `hidden_act is ${show(activation)}`;
}

/** `id2label`: {"0": "tench", "1": …}, each number from 0 once. */
function labelsOf(config: Fields): string[] | undefined {
  const entries = config.object('id2label')?.entries();
  if (entries === undefined || entries.length === 0) return undefined;
  if (entries.length > MAX_LABELS) throw broken(config.path, `has ${entries.length} labels in its id2label`);
  const byNumber = new Map(entries);
  const labels = entries.map((_, i) => {
    if (byNumber.has(String(i))) return checkLabel(config.path, byNumber.get(String(i)));
    throw broken(config.path, `has ${entries.length} labels in its id2label and none for ${i}`);
  });
  const count = config.integer('num_labels', 1, MAX_LABELS);
  if (count === undefined || count === labels.length) return labels;
  throw broken(config.path, `has ${count} as its num_labels, and ${labels.length} labels in its id2label`);
}

function isLayerType(value: unknown): value is string {
  return value === 'basic' || value === 'bottleneck';
}
