import { show } from '../../errors';
import { broken } from '../formats/json-file';
import type { ToldPreprocess } from './read-source';

/** What the configurations of Hugging Face and timm have in common. */

export const MAX_LABELS = 2 ** 20;
export const LONGEST_SIDE = 2 ** 14;
export const INTERPOLATIONS = ['bilinear', 'bicubic'] as const;

/** Preprocessing of which nothing is told. */
export const UNTOLD: ToldPreprocess = { preprocess: undefined, unsupportedPreprocess: undefined };

/** A label for people: one line, with nothing in it that would steer a terminal. @throws ERR_WEIGHTS_FORMAT */
export function checkLabel(path: string, label: unknown): string {
  if (typeof label === 'string' && !/\p{Cc}/u.test(label)) return label;
  throw broken(path, `must have one line of text as each label, but has ${show(label)}`);
}

export function unsupported(path: string, what: string): ToldPreprocess {
  return { preprocess: undefined, unsupportedPreprocess: `${path}: ${what}` };
}
