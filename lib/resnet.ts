import { ResNetError, show } from './errors';
import { checkInteger } from './blocks';
import { SUPPORTED_LAYERS, type Layers } from './depths';
import { Module, type ModuleOptions } from './module';

const MOST_CLASSES = 2 ** 20;

/**
 * The article's ResNet (section 3): a 7x7 convolution, max pooling, four stages of residual blocks, global average
 * pooling and a fully connected layer.
 *
 * @example
 * const net = new ResNet(50);
 * const logits = await net.forward(new Tensor(new Float32Array(3 * 224 * 224), [1, 3, 224, 224])); // [1, 1000]
 */
export class ResNet extends Module {
  readonly layers: Layers;
  readonly numClasses: number;

  /**
   * @param layers - 18, 34, 50, 101 or 152
   * @param numClasses - 1 to 2^20. Default: 1000, ImageNet's
   * @throws ERR_UNSUPPORTED_LAYERS, ERR_ARGUMENT, ERR_DEVICE, ERR_CUDA_…
   */
  constructor(layers: Layers, numClasses = 1000, options: ModuleOptions = {}) {
    if (!SUPPORTED_LAYERS.includes(layers)) {
      const got = typeof layers === 'string' ? layers : show(layers);
      throw new ResNetError(
        'ERR_UNSUPPORTED_LAYERS',
        `Supported layers are [${SUPPORTED_LAYERS.join(', ')}], but input layer is ${got}.`,
      );
    }
    checkInteger('numClasses', numClasses, 1, MOST_CLASSES);
    super({ type: 'ResNet', layers, numClasses }, options);
    this.layers = layers;
    this.numClasses = numClasses;
  }
}
