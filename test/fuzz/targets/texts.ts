import { parseCalibration } from '../../../lib/calibration';
import { huggingfaceConfig } from '../../../lib/weights/source/huggingface-config';
import { huggingfacePreprocess } from '../../../lib/weights/source/huggingface-preprocess';
import { parseFields } from '../../../lib/weights/formats/json-file';
import { openShardsOf } from '../../../lib/weights/formats/shards';
import { timmConfig } from '../../../lib/weights/source/timm-config';
import { mutatedJson, type Json } from '../json';
import type { Target } from '../target';

const PATH = 'fuzzed.json';

const CONFIGS: readonly Json[] = [
  {
    model_type: 'resnet',
    layer_type: 'basic',
    depths: [2, 2, 2, 2],
    id2label: { 0: 'tench', 1: 'goldfish' },
    num_labels: 2,
    hidden_act: 'relu',
    downsample_in_bottleneck: false,
  },
  {
    architecture: 'resnet50',
    num_classes: 2,
    label_names: ['n01440764', 'n01443537'],
    label_descriptions: { n01440764: 'tench', n01443537: 'goldfish' },
    pretrained_cfg: {
      input_size: [3, 224, 224],
      interpolation: 'bicubic',
      crop_pct: 0.875,
      crop_mode: 'center',
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    },
  },
  {
    image_processor_type: 'ConvNextImageProcessor',
    crop_pct: 0.875,
    do_normalize: true,
    do_resize: true,
    image_mean: [0.485, 0.456, 0.406],
    image_std: [0.229, 0.224, 0.225],
    resample: 3,
    size: { shortest_edge: 224 },
  },
];

const CALIBRATION: Json = {
  format: 'libtorch-resnet calibration 1',
  layers: 18,
  numClasses: 10,
  ranges: [{ name: 'input', least: -2.1, most: 2.6 }],
};

const INDEX: Json = {
  metadata: { total_size: 8 },
  weight_map: { 'fc.weight': 'one.safetensors', 'fc.bias': 'two.safetensors' },
};

/** JSON that others write beside weights, or that we wrote. */
export const TEXTS: readonly Target[] = [
  {
    name: 'config',
    run: (random) => {
      const fields = parseFields(PATH, mutatedJson(random.pick(CONFIGS), random));
      const read = random.pick([huggingfaceConfig, timmConfig, huggingfacePreprocess]);
      read(fields);
    },
  },
  {
    name: 'calibration',
    run: (random) => {
      const architecture = { layers: 18, numClasses: 10 };
      const ranges = parseCalibration(PATH, mutatedJson(CALIBRATION, random).toString(), architecture);
      for (const { name, min, max } of ranges) {
        const numbers = [min, max].every((value) => Number.isFinite(Math.fround(value)));
        if (typeof name !== 'string' || !numbers || min > max) throw new Error('a range');
      }
    },
  },
  {
    name: 'index',
    run: (random) => {
      const map = parseFields(PATH, mutatedJson(INDEX, random));
      return openShardsOf(PATH, map, (path) => {
        if (/[/\\]/.test(path)) throw new Error(`an index leads to ${path}`);
        const entry = { dtype: 'float32' as const, fileType: 'F32', shape: [1], offset: 0, length: 4 };
        const names = path === 'one.safetensors' ? ['fc.weight'] : ['fc.bias'];
        const entries = names.map((name) => ({ ...entry, name }));
        return Promise.resolve({ path, format: 'safetensors' as const, metadata: {}, entries, inert: [] });
      });
    },
  },
];
