const TWO_32 = 2 ** 32;
const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const;
const KEY_STEPS = [0x9e3779b9, 0xbb67ae85] as const;
const ROUNDS = 10;

type FourWords = readonly [number, number, number, number];

/**
 * Philox4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011. PyTorch uses the
 * same one on GPUs.
 */
export function philox4x32([c0, c1, c2, c3]: FourWords, [k0, k1]: readonly [number, number]): FourWords {
  for (let round = 0; round < ROUNDS; round++) {
    const [high0, high1] = [multiplyHigh(MULTIPLIERS[0], c0), multiplyHigh(MULTIPLIERS[1], c2)];
    const [low0, low1] = [Math.imul(MULTIPLIERS[0], c0) >>> 0, Math.imul(MULTIPLIERS[1], c2) >>> 0];
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + KEY_STEPS[0]) >>> 0;
    k1 = (k1 + KEY_STEPS[1]) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** The upper 32 of the product's 64 bits. */
function multiplyHigh(a: number, b: number): number {
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const middle = aHigh * bLow + Math.floor((aLow * bLow) / 65536);
  const lower = aLow * bHigh + (middle % 65536);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(lower / 65536)) >>> 0;
}

/**
 * Random numbers that depend on nothing but the seed and three numbers, so that they are the same in whatever order,
 * thread or process they are drawn.
 */
export class Philox {
  readonly #key: readonly [number, number];
  readonly #counter: readonly [number, number, number];
  #block = 0;
  #words: number[] = [];

  /**
   * @param seed - from 0 to 2^53 - 1
   * @param counter - three integers from 0 to 2^32 - 1
   */
  constructor(seed: number, counter: readonly [number, number, number]) {
    this.#key = [seed % TWO_32, Math.floor(seed / TWO_32)];
    this.#counter = counter;
  }

  /** Uniform from `min` to below `max`, in steps of 2^-32 of their distance. */
  uniform(min = 0, max = 1): number {
    return min + (max - min) * (this.#next() / TWO_32);
  }

  /** A uniform integer from 0 to below `limit`, at most 2^21. */
  integer(limit: number): number {
    return Math.floor((this.#next() * limit) / TWO_32);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /** A random order of the items: Fisher and Yates's. */
  shuffled<T>(items: readonly T[]): T[] {
    const order = [...items];
    for (let last = order.length - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      [order[last], order[other]] = [order[other] as T, order[last] as T];
    }
    return order;
  }

  /** From the Beta distribution with both parameters `alpha`, above 0. */
  beta(alpha: number): number {
    // Of two gamma variates a and b, a / (a + b). By their logarithms, because small alphas give numbers near 0.
    return 1 / (1 + Math.exp(-(this.#logGamma(alpha) - this.#logGamma(alpha))));
  }

  /** The logarithm of a gamma variate: Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", 2000. */
  #logGamma(alpha: number): number {
    if (alpha < 1) return this.#logGamma(alpha + 1) + Math.log(this.#aboveZero()) / alpha;
    const d = alpha - 1 / 3;
    for (;;) {
      const x = this.#normal();
      const v = (1 + x / Math.sqrt(9 * d)) ** 3;
      if (v > 0 && Math.log(this.#aboveZero()) < x ** 2 / 2 + d - d * v + d * Math.log(v)) return Math.log(d * v);
    }
  }

  /** Of mean 0 and variance 1: Box and Muller's. */
  #normal(): number {
    return Math.sqrt(-2 * Math.log(this.#aboveZero())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Uniform above 0, up to 1. */
  #aboveZero(): number {
    return (this.#next() + 1) / TWO_32;
  }

  #next(): number {
    if (this.#words.length === 0) this.#words = [...philox4x32([this.#block++, ...this.#counter], this.#key)];
    return this.#words.shift() as number;
  }
}
