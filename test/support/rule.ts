import { Tensor } from '../../lib/tensor';

// Globals are slow to reach inside jest, and this one is wanted hundreds of millions of times.
const { imul } = Math;

/** Weights and inputs that a rule makes from their names; see the README beside the parity goldens. */
export function ruleTensor(name: string, shape: readonly number[]): Tensor {
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  const value = valueRule(name, shape);
  const next = mulberry32(fnv1a(name));
  const data = new Float32Array(size);
  for (let i = 0; i < size; i++) data[i] = value(next());
  return new Tensor(data, shape);
}

function valueRule(name: string, shape: readonly number[]): (u: number) => number {
  if (name === 'input') return (u) => 2 * u - 1;
  if (shape.length === 4) {
    const scale = Math.sqrt(6 / (shape[1]! * shape[2]! * shape[3]!)) * 0.7;
    return (u) => (2 * u - 1) * scale;
  }
  if (name === 'fc.weight') {
    const scale = Math.sqrt(3 / shape[1]!);
    return (u) => (2 * u - 1) * scale;
  }
  if (name.endsWith('running_var') || name.endsWith('.weight')) return (u) => 0.5 + u;
  return (u) => (u - 0.5) * 0.2; // fc.bias, running_mean, a batch norm's bias
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text, 'utf8')) hash = imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = imul(state ^ (state >>> 15), 1 | state);
    t = (t + imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
