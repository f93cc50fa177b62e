import { inspect } from '../../errors';
import { malformed } from '../formats/malformed';
import type { ParsedPreprocess } from './weight-source';

/** What the configurations of Hugging Face and timm have in common. */

export const MAX_LABELS = 2 ** 20;
/** The longest side of a picture or crop, in pixels. */
export const MAX_SIDE = 2 ** 14;
export const INTERPOLATIONS = ['bilinear', 'bicubic'] as const;

/** Of a configuration that says nothing about preprocessing. */
export const NO_PREPROCESS: ParsedPreprocess = { preprocess: undefined, unsupportedPreprocess: undefined };

/** A label must be one line without control characters, which could steer a terminal. @throws ERR_WEIGHTS_FORMAT */
export function checkLabel(path: string, label: unknown): string {
  if (typeof label === 'string' && !/\p{Cc}/u.test(label)) return label;
  throw malformed(path, `must have one line of text as each label, but has ${inspect(label)}`);
}

export function unsupported(path: string, problem: string): ParsedPreprocess {
  return { preprocess: undefined, unsupportedPreprocess: `${path}: ${problem}` };
}
