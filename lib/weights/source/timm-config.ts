import { show } from '../../errors';
import { SUPPORTED_LAYERS } from '../../depths';
import type { Fields } from '../formats/json-file';
import { checkLabel, INTERPOLATIONS, LONGEST_SIDE, MAX_LABELS, unsupported } from './common-fields';
import type { ToldPreprocess, WeightSource } from './read-source';

/**
 * timm's `config.json`; undefined where it is something else's.
 *
 * @throws ERR_WEIGHTS_FORMAT
 */
export function timmConfig(config: Fields): WeightSource | undefined {
  if (!config.has('architecture') || !(config.has('pretrained_cfg') || config.has('input_size'))) return undefined;
  const architecture = config.text('architecture') ?? '';
  const pretrained = config.object('pretrained_cfg') ?? config; // older files have its fields in their own
  const layers = SUPPORTED_LAYERS.find((depth) => new RegExp(`resnet[a-z]*${depth}(?!\\d)`).test(architecture));
  return {
    from: 'timm',
    layers,
    numClasses: config.integer('num_classes', 0, MAX_LABELS) ?? pretrained.integer('num_classes', 0, MAX_LABELS),
    labels: labelsOf(config) ?? labelsOf(pretrained),
    ...preprocessOf(pretrained),
    unlike: PLAIN.test(architecture) ? undefined : `architecture is ${show(architecture)}`,
  };
}

/** timm's names of plain ResNets. Others (`resnetblur50`, `resnetaa50`) have the same tensors and other layers. */
const PLAIN = /^((tv|tv2|ssl|swsl)_)?resnet\d+(\.|$)|^gluon_resnet\d+_v1b(\.|$)/;

/** `label_names`: a list, or an object of numbers to names; `label_descriptions` are what people read, by name. */
function labelsOf(fields: Fields): string[] | undefined {
  const isNames = (value: unknown): value is object => typeof value === 'object';
  const names = fields.read('label_names', 'a list or an object of names', isNames);
  if (names === undefined) return undefined;
  const byNumber = new Map(Object.entries(names) as [string, unknown][]);
  const descriptions = new Map(fields.object('label_descriptions')?.entries());
  if (byNumber.size === 0 || byNumber.size > MAX_LABELS) return undefined;
  const labels: string[] = [];
  for (let i = 0; i < byNumber.size; i++) {
    if (!byNumber.has(String(i))) return undefined; // timm allows gaps; whoever needs labels gives them then
    const name = checkLabel(fields.path, byNumber.get(String(i)));
    labels.push(descriptions.has(name) ? checkLabel(fields.path, descriptions.get(name)) : name);
  }
  return labels;
}

/** timm's evaluation: the shorter side to size / crop_pct, rounded down, then the center. */
function preprocessOf(fields: Fields): ToldPreprocess {
  const input = fields.numbers('input_size', 3, 1, LONGEST_SIDE);
  if (input === undefined) return unsupported(fields.path, 'input_size is not told');
  const [channels, crop = 0, width] = input;
  if (channels !== 3 || crop !== width || !Number.isInteger(crop)) {
    return unsupported(fields.path, `input_size is [${input.join(', ')}]`);
  }
  const mode = fields.text('crop_mode') ?? 'center';
  if (mode !== 'center') return unsupported(fields.path, `crop_mode is ${show(mode)}`);
  const name = fields.text('interpolation') ?? 'bicubic';
  const interpolation = INTERPOLATIONS.find((known) => known === name);
  if (interpolation === undefined) return unsupported(fields.path, `interpolation is ${show(name)}`);
  const part = fields.number('crop_pct', 0.01, 1) ?? 0.875;
  const mean = fields.numbers('mean', 3, -1e3, 1e3);
  const std = fields.numbers('std', 3, 1e-6, 1e3);
  if (mean === undefined || std === undefined) return unsupported(fields.path, 'mean and std are not told');
  return {
    preprocess: { resize: Math.floor(crop / part), crop, interpolation, mean, std },
    unsupportedPreprocess: undefined,
  };
}
