/** One class that a picture may show. */
export interface Prediction {
  label: string;
  /** The number of the class, from 0. */
  index: number;
  /** Softmax of the network's logits, 0 to 1. */
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

/** The indices of the `count` largest scores, largest first; equal scores in the order of their indices. */
export function topIndices(scores: Float64Array, count: number): number[] {
  const at = (index: number): number => scores[index] ?? 0;
  const min = scores.slice().sort()[Math.max(0, scores.length - count)] ?? 0; // numbers sort fast, indices do not
  const candidates: number[] = [];
  for (let i = 0; i < scores.length; i++) if (!(at(i) < min)) candidates.push(i);
  return candidates.sort((a, b) => at(b) - at(a) || a - b).slice(0, count);
}

/** The `topK` best classes of one picture's logits, best first. */
export function topPredictions(logits: ArrayLike<number>, labels: readonly string[], topK: number): Prediction[] {
  const scores = softmax(logits);
  return topIndices(scores, topK).map((index) => ({ label: labels[index] ?? '', index, score: scores[index] ?? 0 }));
}
