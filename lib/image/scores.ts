/** Softmax in float64. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const scores = Float64Array.from(logits);
  const largest = scores.reduce((a, b) => Math.max(a, b), -Infinity); // so that no exponential overflows
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += scores[i] = Math.exp((scores[i] ?? 0) - largest);
  return scores.map((score) => score / sum);
}

/** The indices of the `count` largest scores, largest first; of equal ones the lower index first. */
export function best(scores: Float64Array, count: number): number[] {
  const at = (index: number): number => scores[index] ?? 0;
  return Array.from(scores.keys())
    .sort((a, b) => at(b) - at(a) || a - b)
    .slice(0, count);
}
