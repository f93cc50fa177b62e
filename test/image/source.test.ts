import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImageClassifier } from '../../lib/image/classifier';
import { ResNet } from '../../lib/resnet';

const folder = mkdtempSync(join(tmpdir(), 'resnet-source-'));
const weights = join(folder, 'model.safetensors');
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(async () => {
  using network = new ResNet(18, 3, { seed: 1 });
  await network.save(weights, { naming: 'huggingface' });
  const config = { model_type: 'resnet', depths: [2, 2, 2, 2], hidden_sizes: [64, 128, 256, 512], layer_type: 'basic' };
  const id2label = { 0: 'cat', 1: 'dog', 2: 'cow' };
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, id2label }));
});

/** What `create` makes of Hugging Face's file of preprocessing. */
async function resolved(processor: object, preprocess?: any): Promise<ImageClassifier['preprocess']> {
  const file = { feature_extractor_type: 'ConvNextFeatureExtractor', size: 192, crop_pct: 0.75, ...processor };
  writeFileSync(join(folder, 'preprocessor_config.json'), JSON.stringify(file));
  using classifier = await ImageClassifier.create({ weights, preprocess });
  expect(classifier.labels).toEqual(['cat', 'dog', 'cow']);
  return classifier.preprocess;
}

test('preprocessing is what the file beside the weights tells, and options go before it', async () => {
  const told = { resample: 3, image_mean: [0, 0, 0], image_std: [1, 1, 1] };
  const expected = { resize: 256, crop: 192, interpolation: 'bicubic', mean: [0, 0, 0], std: [1, 1, 1] };
  expect(await resolved(told)).toEqual(expected);
  expect(await resolved(told, { preset: undefined, crop: 160 })).toEqual({ ...expected, crop: 160 });
  expect(await resolved(told, 'imagenet-v2')).toMatchObject({ resize: 232, interpolation: 'bilinear' });
});

test('what cannot be followed has to be replaced', async () => {
  const nearest = { resample: 0, image_mean: [0, 0, 0], image_std: [1, 1, 1] };
  const message = expect.stringMatching(
    /^preprocess must be given, .* not supported: .*preprocessor_config\.json: resample/,
  );
  await expect(resolved(nearest)).rejects.toMatchObject({ code: 'ERR_ARGUMENT', message });
  await expect(resolved(nearest, { crop: undefined })).rejects.toMatchObject({ code: 'ERR_ARGUMENT', message });
  expect(await resolved(nearest, 'imagenet-v1')).toMatchObject({ resize: 256, crop: 224 });
});
