import { ResNetError } from '../../errors';
import type { Given } from './match';

/** Networks that people take for ResNets, and what in a file tells them from one. */
interface Look {
  /** Completes "it looks like …". */
  kind: string;
  shows: (name: string, tensor: Given) => boolean;
}

/** The first convolution of the first block, under all namings. */
const FIRST =
  /^(layer1\.0\.conv1|residual_block\.0\.conv_bn_block1\.0|resnet\..*stages\.0\.layers\.0\.layer\.0\.\w+)\.weight$/;
/** Each block's second one, 3x3 in both kinds of blocks. */
const SECOND =
  /^(layer\d\.\d+\.conv2|residual_block\.\d+\.conv_bn_block2\.0|resnet\..*\.layer\.1\.convolution)\.weight$/;
const STEM = /^(conv1|conv|resnet\.embedder\.embedder\.convolution)\.weight$/;

const named =
  (pattern: RegExp): Look['shows'] =>
  (name) =>
    pattern.test(name);

/** In order: what shows more comes first. */
const LOOKS: readonly Look[] = [
  {
    kind: 'a quantized network',
    shows: (name, { dtype }) =>
      /(^|\.)(zero_point|_packed_params|SCB|absmax|quant_map|qweight|qzeros)(\.|$)/.test(name) ||
      (name.endsWith('.weight') && (dtype === 'int8' || dtype === 'uint8')),
  },
  {
    kind: 'a vision transformer',
    shows: named(/(^|\.)(cls_token|class_token|class_embedding|pos_embed|patch_embed|patch_embeddings|vit|attn)(\.|$)/),
  },
  { kind: 'a ConvNeXt', shows: named(/^convnext|\.dwconv\.weight$|\.layer_scale/) },
  {
    kind: 'a ResNet with pre-activation (ResNetV2, BiT)',
    shows: named(/^bit\.|^stages\.\d+\.blocks\.\d+\.(norm1|conv1)\.|\.preact\./),
  },
  {
    kind: 'a ResNet with attention by channel and place (CBAM)',
    shows: named(/\.(cbam|ChannelGate|SpatialGate)\.|\.se\.(channel|spatial)\.|\.(ca|sa)\.(fc|conv)/),
  },
  {
    kind: 'an ECA-ResNet (efficient channel attention)',
    shows: (name, { shape }) => name.includes('.eca.') || (name.endsWith('.se.conv.weight') && shape.length === 3),
  },
  { kind: 'an SE-ResNet (squeeze and excitation)', shows: named(/\.se(_module|_layer|_block)?\.(fc|conv)/) },
  { kind: 'a ResNeSt (split attention)', shows: named(/\.conv2\.(fc1|bn0|conv)\./) },
  { kind: 'a Res2Net', shows: named(/\.convs\.\d+\.weight$/) },
  {
    kind: 'a ResNet-D (average pooling in the shortcuts)',
    shows: (name, { shape }) => /\.downsample\.1\.weight$/.test(name) && shape.length === 4,
  },
  { kind: 'a ResNet with a deep stem (ResNet-C, -D, -S or -T)', shows: named(/^conv1\.0\.weight$/) },
  {
    kind: 'a ResNet for small pictures such as those of CIFAR (its first convolution is 3x3)',
    shows: (name, { shape }) => STEM.test(name) && shape[1] === 3 && shape[2] === 3,
  },
  {
    kind: 'a ResNeXt (grouped convolutions)',
    shows: (name, { shape: [to = 0, from = 0] }) => SECOND.test(name) && from < to,
  },
  {
    kind: 'a wide ResNet',
    shows: (name, { shape: [to = 0, , size] }) => FIRST.test(name) && size === 1 && to > 64,
  },
  { kind: 'the backbone of a detector or a segmentation', shows: named(/^(module\.)?backbone\./) },
  { kind: "Hugging Face's ResNetModel, which has no classifier", shows: named(/^embedder\.embedder\./) },
];

/** The error for weights that do not fit because they are another network's; undefined where they look like none. */
export function otherNetwork(subject: string, given: ReadonlyMap<string, Given>): ResNetError | undefined {
  for (const { kind, shows } of LOOKS) {
    for (const [name, tensor] of given) {
      if (!shows(name, tensor)) continue;
      return new ResNetError(
        'ERR_UNSUPPORTED_MODEL',
        `${subject} holds no plain ResNet, the only kind supported: it looks like ${kind}, ` +
          `with ${name} of shape [${tensor.shape.join(', ')}].`,
      );
    }
  }
  return undefined;
}
