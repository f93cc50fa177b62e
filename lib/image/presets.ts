/** Where preprocessing begins; whatever a preset has can be replaced. */
interface Preset {
  crop: number;
  interpolation: 'bilinear' | 'bicubic';
  /** One of the two: the shorter side's length, or what the crop is of it. */
  resize?: number;
  cropRatio?: number;
  mean: readonly number[];
  std: readonly number[];
}

/** ImageNet's, of values in [0, 1]. */
const COLORS = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** The preprocessing that published weights were evaluated with. */
export const PRESETS = {
  /** torchvision's IMAGENET1K_V1, and most ResNets that were trained before 2021. */
  'imagenet-v1': { resize: 256, crop: 224, interpolation: 'bilinear', ...COLORS },
  /** torchvision's IMAGENET1K_V2. */
  'imagenet-v2': { resize: 232, crop: 224, interpolation: 'bilinear', ...COLORS },
  /** timm's own trainings (a1_in1k and its kin): bicubic, the crop 0.95 of the shorter side. */
  timm: { cropRatio: 0.95, crop: 224, interpolation: 'bicubic', ...COLORS },
  /** Hugging Face's microsoft/resnet-18 to -152: bicubic, the crop 0.875 of the shorter side. */
  huggingface: { cropRatio: 0.875, crop: 224, interpolation: 'bicubic', ...COLORS },
} as const satisfies Record<string, Preset>;

/** The name of a preprocessing preset. @useDeclaredType */
export type PreprocessPreset = keyof typeof PRESETS;
