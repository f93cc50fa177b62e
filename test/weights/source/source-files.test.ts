import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { ImageClassifier, ResNet, ResNetError } from '../../../lib/index';
import { SourceFiles } from '../../../lib/weights/source/source-files';
import type { WeightSource } from '../../../lib/weights/source/weight-source';
import { temporaryFolder } from '../../support/files';

const folder = temporaryFolder();
let count = 0;

/** A folder of JSON files; the weights themselves need not exist. */
function beside(files: Record<string, unknown>): string {
  const path = join(folder, String(count++));
  mkdirSync(path);
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(path, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return join(path, 'model.safetensors');
}

const sourceOf = (path: string): Promise<WeightSource | undefined> => new SourceFiles(path).source();

const named = (code: string, message: RegExp): object => ({ code, message: expect.stringMatching(message) });

/** As microsoft/resnet-50 has it, with three classes. */
const RESNET_50 = {
  architectures: ['ResNetForImageClassification'],
  depths: [3, 4, 6, 3],
  downsample_in_bottleneck: false,
  downsample_in_first_stage: false,
  embedding_size: 64,
  hidden_act: 'relu',
  hidden_sizes: [256, 512, 1024, 2048],
  id2label: { 0: 'tench, Tinca tinca', 1: 'goldfish, Carassius auratus', 2: 'great white shark' },
  label2id: { 'tench, Tinca tinca': 0 },
  layer_type: 'bottleneck',
  model_type: 'resnet',
  num_channels: 3,
};
const PROCESSOR = {
  crop_pct: 0.875,
  do_normalize: true,
  do_resize: true,
  feature_extractor_type: 'ConvNextFeatureExtractor',
  image_mean: [0.485, 0.456, 0.406],
  image_std: [0.229, 0.224, 0.225],
  resample: 3,
  size: 224,
};
/** As timm/resnet50.a1_in1k has it. */
const TIMM = {
  architecture: 'resnet50',
  num_classes: 1000,
  num_features: 2048,
  pretrained_cfg: {
    tag: 'a1_in1k',
    input_size: [3, 224, 224],
    test_input_size: [3, 288, 288],
    interpolation: 'bicubic',
    crop_pct: 0.95,
    crop_mode: 'center',
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
    num_classes: 1000,
  },
};
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

const huggingface = (change: object = {}, processor: object | string = {}): Promise<WeightSource | undefined> =>
  sourceOf(
    beside({
      'config.json': { ...RESNET_50, ...change },
      'preprocessor_config.json': typeof processor === 'string' ? processor : { ...PROCESSOR, ...processor },
    }),
  );
const timm = (change: object = {}, pretrained: object = {}): Promise<WeightSource | undefined> =>
  sourceOf(
    beside({ 'config.json': { ...TIMM, ...change, pretrained_cfg: { ...TIMM.pretrained_cfg, ...pretrained } } }),
  );

describe('Hugging Face', () => {
  test('a ResNet-50: labels, depth and preprocessing', async () => {
    expect(await huggingface()).toEqual({
      from: 'huggingface',
      layers: 50,
      numClasses: 3,
      labels: ['tench, Tinca tinca', 'goldfish, Carassius auratus', 'great white shark'],
      preprocess: { resize: 256, crop: 224, interpolation: 'bicubic', ...IMAGENET },
      unsupportedPreprocess: undefined,
      deviation: undefined,
    });
  });

  test.each<[string, object, object]>([
    ['a ResNet-18', { layer_type: 'basic', depths: [2, 2, 2, 2] }, { layers: 18 }],
    ['no depths, which are 50 then', { depths: undefined, layer_type: undefined }, { layers: 50 }],
    ["a depth that isn't ours", { depths: [2, 2, 2, 2] }, { layers: undefined }],
    ['three stages', { depths: [2, 2, 2] }, { layers: undefined }],
    ['a number of labels without labels', { id2label: undefined, num_labels: 7 }, { numClasses: 7, labels: undefined }],
    ['no labels', { id2label: null }, { numClasses: undefined, labels: undefined }],
    ['labels that say nothing', { id2label: { 0: 'LABEL_0', 1: 'LABEL_1' } }, { numClasses: 2, labels: undefined }],
    ['a stride in the 1x1', { downsample_in_bottleneck: true }, { deviation: expect.stringContaining('bottleneck') }],
    [
      'which basic blocks do not have',
      { downsample_in_bottleneck: true, layer_type: 'basic' },
      { deviation: undefined },
    ],
    ['a first stage that halves', { downsample_in_first_stage: true }, { deviation: expect.stringContaining('first') }],
    ['another activation', { hidden_act: 'gelu' }, { deviation: 'hidden_act is "gelu"' }],
  ])('config.json with %s', async (_, change, expected) => {
    expect(await huggingface(change)).toMatchObject(expected);
  });

  test.each<[string, object, object]>([
    ['a size as an object', { size: { shortest_edge: 224 } }, { resize: 256, crop: 224 }],
    ['no crop_pct', { crop_pct: undefined }, { resize: 256, crop: 224 }],
    ['a ratio that rounds down', { crop_pct: 0.95 }, { resize: 235, crop: 224 }],
    ['bilinear', { resample: 2 }, { interpolation: 'bilinear' }],
    ['no normalizing', { do_normalize: false }, { mean: [0, 0, 0], std: [1, 1, 1] }],
    [
      'a processor that crops',
      {
        feature_extractor_type: undefined,
        image_processor_type: 'BitImageProcessor',
        size: { shortest_edge: 232 },
        do_center_crop: true,
        crop_size: { height: 224, width: 224 },
        rescale_factor: 0.00392156862745098,
      },
      { resize: 232, crop: 224 },
    ],
  ])('preprocessor_config.json with %s', async (_, processor, expected) => {
    const source = await huggingface({}, processor);
    expect(source).toMatchObject({ preprocess: expected, unsupportedPreprocess: undefined });
  });

  test.each<[string, object, RegExp]>([
    ['nearest neighbors', { resample: 0 }, /preprocessor_config\.json: resample is 0 \(nearest\)/],
    ['no interpolation', { resample: undefined }, /resample is not given/],
    ['a picture squeezed into a square', { size: 384 }, /squeezed/],
    ['another processor', { feature_extractor_type: 'ViTFeatureExtractor' }, /its processor is "ViTFeatureExtractor"/],
    ['no resizing', { do_resize: false }, /do_resize is false/],
    ['other values', { rescale_factor: 1 }, /rescale_factor is 1/],
    ['no mean', { image_mean: undefined }, /not given/],
    ['no size', { size: undefined }, /shortest_edge/],
    ['no cropping', { feature_extractor_type: 'CLIPFeatureExtractor', size: { shortest_edge: 224 } }, /do_center_crop/],
  ])('what is not supported is told: %s', async (_, processor, reason) => {
    expect(await huggingface({}, processor)).toMatchObject({
      labels: expect.any(Array),
      preprocess: undefined,
      unsupportedPreprocess: expect.stringMatching(reason),
    });
  });

  test.each<[string, object, RegExp]>([
    ['a label that is a number', { id2label: { 0: 7 } }, /one line of text as each label, but has 7/],
    ['a label that steers the terminal', { id2label: { 0: '\u001b[2J' } }, /one line of text/],
    ['a label of two lines', { id2label: { 0: 'a\nb' } }, /one line of text/],
    ['a gap', { id2label: { 0: 'a', 2: 'b' } }, /2 labels in its id2label and none for 1/],
    ['a number written otherwise', { id2label: { 0: 'a', '01': 'b' } }, /none for 1/],
    ['labels as a list', { id2label: ['a'] }, /must have an object as its id2label, but has \["a"\]/],
    ['two counts', { num_labels: 4 }, /has 4 as its num_labels, and 3 labels/],
    ['depths of text', { depths: ['3', 4, 6, 3] }, /must have any number of numbers .* as its depths/],
    ['a kind of layer', { layer_type: 'wide' }, /layer_type, but has "wide"/],
    ['a flag of text', { downsample_in_bottleneck: 'yes' }, /true or false as its downsample_in_bottleneck/],
  ])('config.json that is wrong: %s', async (_, change, message) => {
    await expect(huggingface(change)).rejects.toMatchObject(named('ERR_WEIGHTS_FORMAT', message));
  });

  test.each<[string, object | string, RegExp]>([
    ['a negative size', { size: -1 }, /an integer from 1 to 16384 as its size/],
    ['a huge size', { size: { shortest_edge: 1e9 } }, /as its size\.shortest_edge, but has 1000000000/],
    ['a ratio of 0', { crop_pct: 0 }, /crop_pct/],
    ['two colors', { image_mean: [0, 0] }, /3 numbers .* as its image_mean/],
    ['a deviation of 0', { image_std: [0, 1, 1] }, /image_std/],
    ['an interpolation of text', { resample: 'bicubic' }, /resample/],
    ['no JSON', '{', /preprocessor_config\.json is no JSON/],
  ])('preprocessor_config.json that is wrong: %s', async (_, processor, message) => {
    await expect(huggingface({}, processor)).rejects.toMatchObject(named('ERR_WEIGHTS_FORMAT', message));
  });
});

describe('timm', () => {
  test('a ResNet-50', async () => {
    expect(await timm()).toEqual({
      from: 'timm',
      layers: 50,
      numClasses: 1000,
      labels: undefined,
      preprocess: { resize: 235, crop: 224, interpolation: 'bicubic', ...IMAGENET },
      unsupportedPreprocess: undefined,
      deviation: undefined,
    });
  });

  test('the older form, with all fields in one object', async () => {
    const { pretrained_cfg: fields, ...rest } = TIMM;
    const source = await sourceOf(beside({ 'config.json': { ...fields, ...rest } }));
    expect(source).toMatchObject({ from: 'timm', layers: 50, preprocess: { resize: 235, crop: 224 } });
  });

  test.each<[string, object, readonly string[] | undefined]>([
    ['a list', { label_names: ['n01', 'n02'] }, ['n01', 'n02']],
    ['with descriptions', { label_names: ['n01', 'n02'], label_descriptions: { n02: 'a dog' } }, ['n01', 'a dog']],
    ['by their numbers', { label_names: { 1: 'b', 0: 'a' } }, ['a', 'b']],
    ['by numbers with gaps', { label_names: { 5: 'b', 0: 'a' } }, undefined],
    ['none', { label_names: [] }, undefined],
  ])('labels, %s', async (_, change, labels) => {
    expect((await timm(change))?.labels).toEqual(labels);
    expect((await timm({}, change))?.labels).toEqual(labels);
  });

  test.each<[string, number | undefined, boolean]>([
    ['resnet18', 18, true],
    ['resnet152.tv2_in1k', 152, true],
    ['tv_resnet34', 34, true],
    ['gluon_resnet101_v1b', 101, true],
    ['resnetblur50', 50, false],
    ['resnetaa50.a1h_in1k', 50, false],
    ['resnet50d', 50, false],
    ['seresnet50', 50, false],
    ['resnet26', undefined, true],
    ['resnet500', undefined, true],
    ['vit_base_patch16_224', undefined, false],
  ])('the architecture %s', async (architecture, layers, plain) => {
    const source = await timm({ architecture });
    expect([source?.layers, source?.deviation === undefined]).toEqual([layers, plain]);
  });

  test.each<[string, object, RegExp]>([
    ['a squeezed picture', { crop_mode: 'squash' }, /config\.json: crop_mode is "squash"/],
    ['another interpolation', { interpolation: 'nearest' }, /interpolation is "nearest"/],
    ['no square', { input_size: [3, 224, 192] }, /input_size is \[3, 224, 192\]/],
    ['one channel', { input_size: [1, 224, 224] }, /input_size is \[1/],
    ['no mean', { mean: null }, /not given/],
  ])('what is not supported is told: %s', async (_, change, reason) => {
    const source = await timm({}, change);
    expect(source).toMatchObject({ preprocess: undefined, unsupportedPreprocess: expect.stringMatching(reason) });
  });

  test.each<[string, object, RegExp]>([
    ['a size of text', { input_size: '224' }, /3 numbers from 1 to 16384 as its pretrained_cfg\.input_size/],
    ['a name that is a number', { label_names: [7] }, /one line of text/],
    ['names of text', { label_names: 'cat' }, /a list or an object of names/],
  ])('what is wrong: %s', async (_, change, message) => {
    await expect(timm({}, change)).rejects.toMatchObject(named('ERR_WEIGHTS_FORMAT', message));
  });
});

test.each<[string, unknown]>([
  ["another program's", { model_type: ['resnet'], port: 80 }],
  ["another network's", { ...RESNET_50, model_type: 'vit' }],
  ['an architecture alone', { architecture: 'x64' }],
])('config.json that is %s is left alone', async (_, config) => {
  expect(await sourceOf(beside({ 'config.json': config, 'preprocessor_config.json': '{' }))).toBeUndefined();
});

test('without a config.json, and with one that cannot be read', async () => {
  expect(await sourceOf(beside({}))).toBeUndefined();
  await expect(sourceOf(beside({ 'config.json': '{"a' }))).rejects.toMatchObject(
    named('ERR_WEIGHTS_FORMAT', /config\.json is no JSON/),
  );
  await expect(sourceOf(beside({ 'config.json': `{"a":"${'x'.repeat(17_000_000)}"}` }))).rejects.toMatchObject(
    named('ERR_WEIGHTS_FORMAT', /17000008 bytes, and at most 16777216/),
  );
});

test('any content is either used or rejected with a code', async () => {
  const path = beside({});
  const write = (name: string, value: unknown): void => writeFileSync(join(path, '..', name), JSON.stringify(value));
  const changed = (fields: object): fc.Arbitrary<object> =>
    fc
      .dictionary(fc.oneof(fc.constantFrom(...Object.keys(fields)), fc.string()), fc.jsonValue(), { maxKeys: 3 })
      .map((change) => ({ ...fields, ...change }));
  const config = fc.oneof(changed(RESNET_50), changed({ ...TIMM, ...TIMM.pretrained_cfg }), fc.jsonValue());
  await fc.assert(
    fc.asyncProperty(config, fc.oneof(changed(PROCESSOR), fc.jsonValue()), async (first, second) => {
      write('config.json', first);
      write('preprocessor_config.json', second);
      const source = await sourceOf(path).catch((error: unknown) => error);
      if (source instanceof Error) expect(source).toBeInstanceOf(ResNetError);
      else if (source !== undefined) {
        const { preprocess, labels } = source as WeightSource;
        expect(labels?.every((label) => typeof label === 'string') ?? true).toBe(true);
        expect(preprocess?.resize ?? 1).toBeGreaterThanOrEqual(preprocess?.crop ?? 1);
      }
    }),
    { numRuns: 500, seed: 1 },
  );
});

describe('the configurations beside a file that is loaded', () => {
  const save = async (
    path: string,
    naming: 'huggingface' | 'torchvision' | 'article',
    classes = 3,
  ): Promise<string> => {
    using net = new ResNet(50, classes, { seed: 1 });
    await net.save(path, { naming, dtype: 'bfloat16' });
    return path;
  };

  test('rejects a network that only its config tells from a plain ResNet', async () => {
    const config = { 'config.json': { ...RESNET_50, downsample_in_bottleneck: true } };
    const path = await save(beside(config), 'huggingface');
    await expect(ResNet.load(path)).rejects.toMatchObject(
      named('ERR_UNSUPPORTED_MODEL', /model\.safetensors holds no plain ResNet.*downsample_in_bottleneck is true/),
    );
    await expect(ResNet.load(join(path, '..'))).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED_MODEL' });
    await expect(
      ResNet.load(await save(beside({ 'config.json': { ...TIMM, architecture: 'resnetblur50' } }), 'torchvision')),
    ).rejects.toMatchObject(named('ERR_UNSUPPORTED_MODEL', /architecture is "resnetblur50"/));
    // A config of another depth, or by a program that does not write such names, belongs to another file.
    const deeper = { 'config.json': { ...config['config.json'], depths: [3, 4, 23, 3] } };
    using shallower = await ResNet.load(await save(beside(deeper), 'huggingface'));
    expect(shallower.layers).toBe(50);
    using loaded = await ResNet.load(await save(beside(config), 'article'));
    expect(loaded.layers).toBe(50);
  });

  test('labels come from it, unless the user gives them or it describes another network', async () => {
    const path = await save(beside({ 'config.json': RESNET_50 }), 'huggingface');
    using told = await ImageClassifier.create({ weights: path });
    expect(told.labels).toEqual(Object.values(RESNET_50.id2label));
    using given = await ImageClassifier.create({ weights: path, labels: ['a', 'b', 'c'] });
    expect(given.labels).toEqual(['a', 'b', 'c']);
    await save(path, 'huggingface', 2);
    using other = await ImageClassifier.create({ weights: path });
    expect(other.labels).toEqual(['class 0', 'class 1']);
    writeFileSync(join(path, '..', 'config.json'), JSON.stringify({ ...RESNET_50, depths: [3, 4, 23, 3] }));
    await save(path, 'huggingface');
    using deeper = await ImageClassifier.create({ weights: path });
    expect(deeper.labels).toEqual(['class 0', 'class 1', 'class 2']);
  });
});
