import { ResNetError } from '../../errors';
import type { TensorInfo } from './tensor-info';

/** A network that is easily mistaken for a plain ResNet, and the tensor that gives it away. */
interface Fingerprint {
  /** Completes "it looks like …". */
  kind: string | ((tensor: TensorInfo) => string);
  matches: (name: string, tensor: TensorInfo) => boolean;
}

/** The first convolution of the first block, under all namings. */
const FIRST =
  /^(layer1\.0\.conv1|residual_block\.0\.conv_bn_block1\.0|resnet\..*stages\.0\.layers\.0\.layer\.0\.\w+)\.weight$/;
/** Each block's second one, 3x3 in both kinds of blocks. */
const SECOND =
  /^(layer\d\.\d+\.conv2|residual_block\.\d+\.conv_bn_block2\.0|resnet\..*\.layer\.1\.convolution)\.weight$/;
const STEM = /^(conv1|conv|resnet\.embedder\.embedder\.convolution)\.weight$/;

const named =
  (pattern: RegExp): Fingerprint['matches'] =>
  (name) =>
    pattern.test(name);

/** The more specific ones first. */
const FINGERPRINTS: readonly Fingerprint[] = [
  {
    kind: 'a quantized network',
    matches: (name, { dtype }) =>
      /(^|\.)(zero_point|_packed_params|SCB|absmax|quant_map|qweight|qzeros)(\.|$)/.test(name) ||
      (name.endsWith('.weight') && (dtype === 'int8' || dtype === 'uint8')),
  },
  {
    kind: 'a vision transformer',
    matches: named(
      /(^|\.)(cls_token|class_token|class_embedding|pos_embed|patch_embed|patch_embeddings|vit|attn)(\.|$)/,
    ),
  },
  { kind: 'a ConvNeXt', matches: named(/^convnext|\.dwconv\.weight$|\.layer_scale/) },
  {
    kind: 'a ResNet with pre-activation (ResNetV2, BiT)',
    matches: named(/^bit\.|^stages\.\d+\.blocks\.\d+\.(norm1|conv1)\.|\.preact\./),
  },
  {
    kind: 'a ResNet with attention by channel and place (CBAM)',
    matches: named(/\.(cbam|ChannelGate|SpatialGate)\.|\.se\.(channel|spatial)\.|\.(ca|sa)\.(fc|conv)/),
  },
  {
    kind: 'an ECA-ResNet (efficient channel attention)',
    matches: (name, { shape }) => name.includes('.eca.') || (name.endsWith('.se.conv.weight') && shape.length === 3),
  },
  { kind: 'an SE-ResNet (squeeze and excitation)', matches: named(/\.se(_module|_layer|_block)?\.(fc|conv)/) },
  { kind: 'a ResNeSt (split attention)', matches: named(/\.conv2\.(fc1|bn0|conv)\./) },
  { kind: 'a Res2Net', matches: named(/\.convs\.\d+\.weight$/) },
  {
    kind: 'a ResNet-D (average pooling in the shortcuts)',
    matches: (name, { shape }) => /\.downsample\.1\.weight$/.test(name) && shape.length === 4,
  },
  { kind: 'a ResNet with a deep stem (ResNet-C, -D, -S or -T)', matches: named(/^conv1\.0\.weight$/) },
  {
    kind: ({ shape: [, channels] }) =>
      `a ResNet whose pictures have ${channels === 1 ? '1 channel' : `${channels} channels`} instead of 3`,
    matches: (name, { shape }) => STEM.test(name) && shape[1] !== 3 && shape[2] === 7,
  },
  {
    kind: 'a ResNet for small pictures such as those of CIFAR (its first convolution is 3x3, with no pooling behind it)',
    matches: (name, { shape: [to, from, size] }) =>
      STEM.test(name) && size === 3 && (from === 3 || (to === 64 && (from === 1 || from === 4))),
  },
  {
    kind: 'a ResNeXt (grouped convolutions)',
    matches: (name, { shape: [to = 0, from = 0] }) => SECOND.test(name) && from < to,
  },
  {
    kind: 'a wide ResNet',
    matches: (name, { shape: [to = 0, , size] }) => FIRST.test(name) && size === 1 && to > 64,
  },
  { kind: 'the backbone of a detector or a segmentation', matches: named(/^(module\.)?backbone\./) },
  { kind: "Hugging Face's ResNetModel, which has no classifier", matches: named(/^embedder\.embedder\./) },
];

/** The error for weights that do not fit because they are those of another known network; undefined if they are not. */
export function otherNetwork(subject: string, tensors: ReadonlyMap<string, TensorInfo>): ResNetError | undefined {
  for (const { kind, matches } of FINGERPRINTS) {
    for (const [name, tensor] of tensors) {
      if (!matches(name, tensor)) continue;
      return new ResNetError(
        'ERR_UNSUPPORTED_MODEL',
        `${subject} holds no plain ResNet, the only kind supported: it looks like ${typeof kind === 'string' ? kind : kind(tensor)}, ` +
          `with ${name} of shape [${tensor.shape.join(', ')}].`,
      );
    }
  }
  return undefined;
}
