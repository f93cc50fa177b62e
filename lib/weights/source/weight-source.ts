import type { Layers } from '../../depths';
import type { Activation } from './activation';

/** How a picture becomes a network's input, as far as the files beside the weights tell. */
export interface SourcePreprocess {
  /** Length of the shorter side after resizing, in pixels. */
  resize?: number;
  /** Side of the square that is cut out of the center, in pixels. */
  crop?: number;
  interpolation?: 'bilinear' | 'bicubic';
  /** Of values in [0, 1], per channel. */
  mean?: number[];
  std?: number[];
}

/** The preprocessing in a configuration, or the reason why it is not supported. Neither: there is none. */
export interface ParsedPreprocess {
  preprocess: SourcePreprocess | undefined;
  /** Completes "is not supported: …". */
  unsupportedPreprocess: string | undefined;
}

/** What the files beside a weight file say about it. */
export interface WeightSource extends ParsedPreprocess {
  /** Whose `config.json` it is. */
  from: 'huggingface' | 'timm';
  /** The depth that it describes; undefined if it is none of the supported ones. */
  layers: Layers | undefined;
  /** The number of classes; undefined if it is not given. */
  numClasses: number | undefined;
  /** Undefined if it is not given. */
  activation: Activation | undefined;
  /** Names of the classes in order; undefined if they are not given. */
  labels: readonly string[] | undefined;
  /**
   * The setting that makes this another network than a plain ResNet although its tensors look like one's, e.g.
   * `downsample_in_bottleneck is true`; undefined if it is plain.
   */
  deviation: string | undefined;
}
