/** Softmax in float64. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const scores = new Float64Array(logits);
  let largest = -Infinity; // so that no exponential overflows
  for (const score of scores) largest = Math.max(largest, score);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += scores[i] = Math.exp((scores[i] ?? 0) - largest);
  for (let i = 0; i < scores.length; i++) scores[i] = (scores[i] ?? 0) / sum;
  return scores;
}

/** The indices of the `count` largest scores, largest first; of equal ones the lower index first. */
export function best(scores: Float64Array, count: number): number[] {
  const at = (index: number): number => scores[index] ?? 0;
  const least = scores.slice().sort()[Math.max(0, scores.length - count)] ?? 0; // numbers sort fast, indices do not
  const candidates: number[] = [];
  for (let i = 0; i < scores.length; i++) if (!(at(i) < least)) candidates.push(i);
  return candidates.sort((a, b) => at(b) - at(a) || a - b).slice(0, count);
}
