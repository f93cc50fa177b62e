import type { Target } from '../target';
import { ADDON } from './addon';
import { ANSWERS } from './answers';
import { NOT_FINITE } from './not-finite';
import { OPTIMIZE } from './optimize';
import { PICTURES } from './pictures';
import { REQUEST_BODIES } from './requests';
import { TENSOR } from './tensor';
import { TEXTS } from './texts';
import { WEIGHT_FILES } from './weight-files';

export const TARGETS: readonly Target[] = [
  ...WEIGHT_FILES,
  ...TEXTS,
  ...PICTURES,
  ...REQUEST_BODIES,
  ...ANSWERS,
  ...TENSOR,
  ...ADDON,
  ...OPTIMIZE,
  ...NOT_FINITE,
];
