import { checkInteger } from './check';
import { Module, type ModuleOptions } from './module';

/** Far above any ResNet; keeps sizes in bytes within the addon's integers. */
const MAX_CHANNELS = 2 ** 20;

/**
 * The residual block of ResNet-18 and -34 (He et al. 2015, arXiv:1512.03385, figure 5, left; the article, section 3): two 3x3
 * convolutions, and a 1x1 convolution on the shortcut where `stride` is not 1 or the channels differ.
 *
 * @example
 * const block = new BasicBlock(64, 128, 2);
 * const y = await block.forward(x); // [N, 64, H, W] -> [N, 128, ceil(H / 2), ceil(W / 2)]
 */
export class BasicBlock extends Module {
  readonly inputChannels: number;
  readonly outputChannels: number;
  readonly stride: number;

  /**
   * @param inputChannels - 1 to 2^20
   * @param outputChannels - 1 to 2^20
   * @param stride - of the first convolution; 2 halves height and width
   * @throws ERR_ARGUMENT, ERR_DEVICE, ERR_CUDA_…
   */
  constructor(inputChannels: number, outputChannels: number, stride: number, options: ModuleOptions = {}) {
    checkBlock(inputChannels, outputChannels, stride, 1);
    super({ type: 'BasicBlock', inputChannels, outputChannels, stride }, options);
    this.inputChannels = inputChannels;
    this.outputChannels = outputChannels;
    this.stride = stride;
  }
}

/**
 * The residual block of ResNet-50, -101 and -152 (He et al. 2015, figure 5, right; the article, section 3): 1x1 to
 * a quarter of `outputChannels` (rounded down), 3x3, and 1x1 back up; the shortcut as in {@link BasicBlock}.
 */
export class BottleneckBlock extends Module {
  readonly inputChannels: number;
  readonly outputChannels: number;
  readonly stride: number;

  /**
   * @param inputChannels - 1 to 2^20
   * @param outputChannels - 4 to 2^20
   * @param stride - of the 3x3 convolution; 2 halves height and width
   * @throws ERR_ARGUMENT, ERR_DEVICE, ERR_CUDA_…
   */
  constructor(inputChannels: number, outputChannels: number, stride: number, options: ModuleOptions = {}) {
    checkBlock(inputChannels, outputChannels, stride, 4);
    super({ type: 'BottleneckBlock', inputChannels, outputChannels, stride }, options);
    this.inputChannels = inputChannels;
    this.outputChannels = outputChannels;
    this.stride = stride;
  }
}

function checkBlock(inputChannels: number, outputChannels: number, stride: number, minOutput: number): void {
  checkInteger('inputChannels', inputChannels, 1, MAX_CHANNELS);
  checkInteger('outputChannels', outputChannels, minOutput, MAX_CHANNELS);
  checkInteger('stride', stride, 1, MAX_CHANNELS);
}
