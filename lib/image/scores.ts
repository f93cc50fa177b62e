import type { Activation } from '../weights/source/activation';

/** One class that a picture may show. */
export interface Prediction {
  label: string;
  /** The number of the class, from 0. */
  index: number;
  /** 0 to 1: softmax of the network's logits, or the sigmoid of the class's, by the classifier's activation. */
  score: number;
}

/** Softmax in float64. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const scores = new Float64Array(logits);
  let max = -Infinity; // subtracted, so that no exponential overflows
  for (const score of scores) max = Math.max(max, score);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += scores[i] = Math.exp((scores[i] ?? 0) - max);
  for (let i = 0; i < scores.length; i++) scores[i] = (scores[i] ?? 0) / sum;
  return scores;
}

/** Sigmoids in float64. */
export function sigmoid(logits: ArrayLike<number>): Float64Array {
  return Float64Array.from(logits, (logit) => 1 / (1 + Math.exp(-logit)));
}

/** The scores of one picture's logits. */
export function scoresOf(logits: ArrayLike<number>, activation: Activation): Float64Array {
  return activation === 'sigmoid' ? sigmoid(logits) : softmax(logits);
}

/** The indices of the `count` largest scores, largest first; equal scores in the order of their indices. */
export function topIndices(scores: Float64Array, count: number): number[] {
  const at = (index: number): number => scores[index] ?? 0;
  const min = scores.slice().sort()[Math.max(0, scores.length - count)] ?? 0; // numbers sort fast, indices do not
  const candidates: number[] = [];
  for (let i = 0; i < scores.length; i++) if (!(at(i) < min)) candidates.push(i);
  return candidates.sort((a, b) => at(b) - at(a) || a - b).slice(0, count);
}

/** The `topK` best classes of one picture's logits, best first. */
export function topPredictions(
  logits: ArrayLike<number>,
  { labels, activation }: { labels: readonly string[]; activation: Activation },
  topK: number,
): Prediction[] {
  const scores = scoresOf(logits, activation);
  return topIndices(scores, topK).map((index) => ({ label: labels[index] ?? '', index, score: scores[index] ?? 0 }));
}
