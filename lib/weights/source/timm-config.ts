import { inspect } from '../../errors';
import { SUPPORTED_LAYERS } from '../../depths';
import type { JsonFields } from '../formats/json-file';
import { activationOf } from './activation';
import { checkLabel, INTERPOLATIONS, MAX_LABELS, MAX_SIDE, unsupported } from './common-fields';
import type { ParsedPreprocess, WeightSource } from './weight-source';

/**
 * Reads timm's `config.json`; undefined if it is another program's.
 *
 * @throws ERR_WEIGHTS_FORMAT
 */
export function timmConfig(config: JsonFields): WeightSource | undefined {
  if (!config.has('architecture') || !(config.has('pretrained_cfg') || config.has('input_size'))) return undefined;
  const architecture = config.text('architecture') ?? '';
  const pretrained = config.object('pretrained_cfg') ?? config; // older files have these fields at the top level
  const layers = SUPPORTED_LAYERS.find((depth) => new RegExp(`resnet[a-z]*${depth}(?!\\d)`).test(architecture));
  return {
    from: 'timm',
    layers,
    numClasses: config.integer('num_classes', 0, MAX_LABELS) ?? pretrained.integer('num_classes', 0, MAX_LABELS),
    activation: activationOf(config),
    labels: parseLabels(config) ?? parseLabels(pretrained),
    ...parsePreprocess(pretrained),
    deviation: PLAIN.test(architecture) ? undefined : `architecture is ${inspect(architecture)}`,
  };
}

/** timm's names of plain ResNets. Others (`resnetblur50`, `resnetaa50`) have the same tensors, but other layers. */
const PLAIN = /^((tv|tv2|ssl|swsl)_)?resnet\d+(\.|$)|^gluon_resnet\d+_v1b(\.|$)/;

/** `label_names` is a list or an object from numbers to names; `label_descriptions` has readable texts by name. */
function parseLabels(fields: JsonFields): string[] | undefined {
  const isNames = (value: unknown): value is object => typeof value === 'object';
  const names = fields.read('label_names', 'a list or an object of names', isNames);
  if (names === undefined) return undefined;
  const byNumber = new Map(Object.entries(names) as [string, unknown][]);
  const descriptions = new Map(fields.object('label_descriptions')?.entries());
  if (byNumber.size === 0 || byNumber.size > MAX_LABELS) return undefined;
  const labels: string[] = [];
  for (let i = 0; i < byNumber.size; i++) {
    if (!byNumber.has(String(i))) return undefined; // timm allows gaps; users pass labels of their own then
    const name = checkLabel(fields.path, byNumber.get(String(i)));
    labels.push(descriptions.has(name) ? checkLabel(fields.path, descriptions.get(name)) : name);
  }
  return labels;
}

/** timm's evaluation: the shorter side becomes size / crop_pct, rounded down, then the center is cropped. */
function parsePreprocess(fields: JsonFields): ParsedPreprocess {
  const input = fields.numbers('input_size', 3, 1, MAX_SIDE);
  if (input === undefined) return unsupported(fields.path, 'input_size is not given');
  const [channels, crop = 0, width] = input;
  if (channels !== 3 || crop !== width || !Number.isInteger(crop)) {
    return unsupported(fields.path, `input_size is [${input.join(', ')}]`);
  }
  const mode = fields.text('crop_mode') ?? 'center';
  if (mode !== 'center') return unsupported(fields.path, `crop_mode is ${inspect(mode)}`);
  const name = fields.text('interpolation') ?? 'bicubic';
  const interpolation = INTERPOLATIONS.find((known) => known === name);
  if (interpolation === undefined) return unsupported(fields.path, `interpolation is ${inspect(name)}`);
  const ratio = fields.number('crop_pct', 0.01, 1) ?? 0.875;
  const mean = fields.numbers('mean', 3, -1e3, 1e3);
  const std = fields.numbers('std', 3, 1e-6, 1e3);
  if (mean === undefined || std === undefined) return unsupported(fields.path, 'mean and std are not given');
  return {
    preprocess: { resize: Math.floor(crop / ratio), crop, interpolation, mean, std },
    unsupportedPreprocess: undefined,
  };
}
