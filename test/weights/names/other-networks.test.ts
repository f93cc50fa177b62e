import { BasicBlock, ResNet, Tensor, type Layers, type ResNetError } from '../../../lib/index';
import { articleSpec } from '../../../lib/weights/names/article';
import { identifyResNet } from '../../../lib/weights/names/identify';
import { matchState } from '../../../lib/weights/names/match';
import { namesIn, type WrittenNaming } from '../../../lib/weights/names/namings';
import type { TensorInfo } from '../../../lib/weights/names/tensor-info';

type State = Map<string, TensorInfo>;

/** Names and shapes of a plain network, from which a case makes another network. */
function plain(layers: Layers, naming: WrittenNaming = 'torchvision'): State {
  const spec = articleSpec(layers, 1000);
  const names = namesIn(
    naming,
    spec.map(({ name }) => name),
  );
  return new Map(spec.map(({ shape }, i) => [names[i]!, { dtype: 'float32', shape }]));
}

/** As ResNet.load does. */
function load(given: State): ResNetError | 'loaded' {
  try {
    const { layers, numClasses } = identifyResNet('net.safetensors', given);
    matchState('net.safetensors', articleSpec(layers, numClasses), given, {});
    return 'loaded';
  } catch (error) {
    return error as ResNetError;
  }
}

const set =
  (name: string, shape: number[], dtype?: TensorInfo['dtype']) =>
  (state: State): State =>
    state.set(name, { dtype: dtype ?? 'float32', shape });
const only = (...names: string[]): State => new Map(names.map((name) => [name, { dtype: 'float32', shape: [4, 4] }]));

const block = (change: (name: string, shape: readonly number[]) => readonly number[]) => (state: State) =>
  new Map([...state].map(([name, { dtype, shape }]) => [name, { dtype, shape: change(name, shape) }]));
const wide = (pattern: RegExp): ((state: State) => State) =>
  block((name, shape) => (pattern.test(name) && shape.length === 4 ? [128, ...shape.slice(1)] : shape));

test.each<[string, State, RegExp]>([
  ['a wide ResNet', wide(/^layer1\.0\.conv1/)(plain(50)), /looks like a wide ResNet, with layer1\.0\.conv1\.weight of/],
  ["under the article's names", wide(/^residual_block\.0\.conv_bn_block1/)(plain(101, 'article')), /a wide ResNet/],
  ["under Hugging Face's", wide(/stages\.0\.layers\.0\.layer\.0\.conv/)(plain(50, 'huggingface')), /a wide ResNet/],
  [
    'a ResNeXt, which is wider as well',
    block((name, shape) => (/conv2\.weight/.test(name) ? [128, 4, 3, 3] : shape))(wide(/conv1/)(plain(50))),
    /a ResNeXt .*layer1\.0\.conv2\.weight of shape \[128, 4, 3, 3\]/,
  ],
  ['a ResNet-D', set('layer1.0.downsample.1.weight', [256, 64, 1, 1])(plain(50)), /a ResNet-D/],
  ['a deep stem', set('conv1.0.weight', [32, 3, 3, 3])(plain(50)), /a deep stem/],
  ['a stem for CIFAR', set('conv1.weight', [64, 3, 3, 3])(plain(18)), /CIFAR/],
  ['an SE-ResNet', set('layer1.0.se.fc1.weight', [16, 64, 1, 1])(plain(50)), /an SE-ResNet/],
  ['an older SE-ResNet', set('layer1.0.se_module.fc1.weight', [16, 64, 1, 1])(plain(50)), /an SE-ResNet/],
  ['an ECA-ResNet', set('layer1.0.se.conv.weight', [1, 1, 3])(plain(50)), /an ECA-ResNet/],
  ['a CBAM', set('layer1.0.se.channel.fc1.weight', [16, 64, 1, 1])(plain(50)), /CBAM/],
  ['a CBAM of its authors', set('layer1.0.ca.fc.0.weight', [16, 64, 1, 1])(plain(50)), /CBAM/],
  ['a ResNeSt', set('layer1.0.conv2.fc1.weight', [32, 64, 1, 1])(plain(50)), /ResNeSt/],
  ['a Res2Net', set('layer1.0.convs.0.weight', [26, 26, 3, 3])(plain(50)), /Res2Net/],
  ["timm's ResNetV2", only('stem.conv.weight', 'stages.0.blocks.0.norm1.weight', 'head.fc.weight'), /ResNetV2, BiT/],
  ["Hugging Face's BiT", only('bit.embedder.convolution.weight', 'classifier.1.weight'), /ResNetV2, BiT/],
  ['quantized by PyTorch', set('conv1.zero_point', [])(plain(50)), /quantized/],
  ['quantized to int8', set('conv1.weight', [64, 3, 7, 7], 'int8')(plain(50)), /quantized/],
  ['a ViT', only('vit.embeddings.cls_token', 'classifier.weight'), /vision transformer/],
  ['a ConvNeXt', only('convnext.embeddings.patch.weight', 'classifier.weight'), /ConvNeXt/],
  ["a detector's backbone", only('backbone.body.conv1.weight'), /detector/],
  ["Hugging Face's ResNetModel", only('embedder.embedder.convolution.weight'), /no classifier/],
])('%s is named in the refusal', (_, given, message) => {
  expect(load(given)).toMatchObject({ code: 'ERR_UNSUPPORTED_MODEL', message: expect.stringMatching(message) });
});

test.each<[string, State, RegExp]>([
  ['something else', only('features.0.weight'), /does not hold a ResNet .*1 tensors, the first features\.0\.weight/],
  ['nothing', new Map(), /0 tensors\.$/],
  [
    'a ResNet without its head',
    new Map([...plain(34)].filter(([name]) => !name.startsWith('fc.'))),
    /looks like a ResNet-34 without its head: there is no fc\.weight/,
  ],
])('%s is refused as a mismatch', (_, given, message) => {
  expect(load(given)).toMatchObject({ code: 'ERR_WEIGHTS_MISMATCH', message: expect.stringMatching(message) });
});

test.each([18, 34, 50, 101, 152] as const)(
  'a plain ResNet-%i looks like none of them, whatever its names',
  (layers) => {
    for (const naming of ['article', 'torchvision', 'huggingface'] as const) {
      const given = plain(layers, naming);
      expect(load(given)).toBe('loaded');
      given.set('more', { dtype: 'float32', shape: [1] });
      expect(load(given)).toMatchObject({ code: 'ERR_WEIGHTS_MISMATCH' });
    }
  },
);

test('loadStateDict recognizes other networks as well', () => {
  using net = new ResNet(50, 1000, { device: 'meta' });
  const given = { 'layer1.0.se.fc1.weight': new Tensor([1], [1]) };
  expect(() => net.loadStateDict(given)).toThrow(expect.objectContaining({ code: 'ERR_UNSUPPORTED_MODEL' }));
  using block = new BasicBlock(4, 4, 1, { device: 'meta' });
  expect(() => block.loadStateDict({ 'conv1.weight': new Tensor(new Float32Array(72), [2, 4, 3, 3]) })).toThrow(
    expect.objectContaining({ code: 'ERR_WEIGHTS_MISMATCH' }),
  );
});
