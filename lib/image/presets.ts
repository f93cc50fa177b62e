import { IMAGENET_NORM } from '../normalization';

/** Preprocessing settings, each of which can be overridden. */
interface Preset {
  crop: number;
  interpolation: 'bilinear' | 'bicubic';
  /** Length of the shorter side after resizing; or `cropRatio`, the ratio of the crop to it. */
  resize?: number;
  cropRatio?: number;
  mean: readonly number[];
  std: readonly number[];
}

/** The preprocessing that published weights were evaluated with. */
export const PRESETS = {
  /** torchvision's IMAGENET1K_V1, and most ResNets that were trained before 2021. */
  'imagenet-v1': { resize: 256, crop: 224, interpolation: 'bilinear', ...IMAGENET_NORM },
  /** torchvision's IMAGENET1K_V2. */
  'imagenet-v2': { resize: 232, crop: 224, interpolation: 'bilinear', ...IMAGENET_NORM },
  /** timm's own trainings (a1_in1k and the like): bicubic, the crop is 0.95 of the shorter side. */
  timm: { cropRatio: 0.95, crop: 224, interpolation: 'bicubic', ...IMAGENET_NORM },
  /** Hugging Face's microsoft/resnet-18 to -152: bicubic, the crop is 0.875 of the shorter side. */
  huggingface: { cropRatio: 0.875, crop: 224, interpolation: 'bicubic', ...IMAGENET_NORM },
} as const satisfies Record<string, Preset>;

/** The name of a preprocessing preset. @useDeclaredType */
export type PreprocessPreset = keyof typeof PRESETS;
