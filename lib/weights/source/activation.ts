import type { JsonFields } from '../formats/json-file';

/** How logits become scores: softmax over all classes, or the sigmoid of each class on its own. */
export type Activation = 'softmax' | 'sigmoid';

/** By Hugging Face's `problem_type`; undefined if it is missing or says neither. */
export function activationOf(config: JsonFields): Activation | undefined {
  if (config.is('problem_type', 'multi_label_classification')) return 'sigmoid';
  return config.is('problem_type', 'single_label_classification') ? 'softmax' : undefined;
}
