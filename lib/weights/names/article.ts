import { SUPPORTED_LAYERS, type Layers } from '../../depths';

/** A tensor of a module, by the article's name. */
export interface StateSpec {
  name: string;
  shape: readonly number[];
}

/**
 * Blocks in each stage, and whether they are bottlenecks. "The article", here and elsewhere, is the PaddlePaddle
 * reproduction of He et al. 2015, "Deep Residual Learning for Image Recognition" (arXiv:1512.03385), that this package
 * follows; this is its `layers_config`.
 */
const CONFIG: Readonly<Record<Layers, { blocks: readonly number[]; bottleneck: boolean }>> = {
  18: { blocks: [2, 2, 2, 2], bottleneck: false },
  34: { blocks: [3, 4, 6, 3], bottleneck: false },
  50: { blocks: [3, 4, 6, 3], bottleneck: true },
  101: { blocks: [3, 4, 23, 3], bottleneck: true },
  152: { blocks: [3, 8, 36, 3], bottleneck: true },
};

/** The depth whose stages have these blocks; undefined if there is none. */
export function layersOf(blocks: readonly number[], bottleneck: boolean): Layers | undefined {
  return SUPPORTED_LAYERS.find(
    (layers) => CONFIG[layers].bottleneck === bottleneck && String(CONFIG[layers].blocks) === String(blocks),
  );
}

/**
 * Names and shapes of a ResNet's `stateDict()`, in order. This works without the addon, so that files can be identified
 * and converted where it is not built. A test compares it with the network itself.
 */
export function articleSpec(layers: Layers, numClasses: number): StateSpec[] {
  const { blocks, bottleneck } = CONFIG[layers];
  const spec = [...convolution('conv', [64, 3, 7, 7]), ...norm('bn', 64)];
  let [channels, index] = [64, 0];
  blocks.forEach((count, stage) => {
    const width = 64 * 2 ** stage;
    const out = bottleneck ? 4 * width : width;
    for (let block = 0; block < count; block++) {
      const prefix = `residual_block.${index++}`;
      const kernels: [number, number, number][] = bottleneck
        ? [
            [width, channels, 1],
            [width, width, 3],
            [out, width, 1],
          ]
        : [
            [width, channels, 3],
            [width, width, 3],
          ];
      kernels.forEach(([to, from, size], i) =>
        spec.push(...convolutionAndNorm(`${prefix}.conv_bn_block${i + 1}`, to, from, size)),
      );
      if (block === 0 && (stage > 0 || channels !== out)) {
        spec.push(...convolutionAndNorm(`${prefix}.down_sample_block`, out, channels, 1));
      }
      channels = out;
    }
  });
  return [...spec, { name: 'fc.weight', shape: [numClasses, channels] }, { name: 'fc.bias', shape: [numClasses] }];
}

function convolutionAndNorm(name: string, to: number, from: number, size: number): StateSpec[] {
  return [...convolution(`${name}.0`, [to, from, size, size]), ...norm(`${name}.1`, to)];
}

function convolution(name: string, shape: readonly number[]): StateSpec[] {
  return [{ name: `${name}.weight`, shape }];
}

function norm(name: string, channels: number): StateSpec[] {
  const vectors = ['weight', 'bias', 'running_mean', 'running_var'];
  return [
    ...vectors.map((leaf) => ({ name: `${name}.${leaf}`, shape: [channels] })),
    { name: `${name}.num_batches_tracked`, shape: [] },
  ];
}
