/** Numbers that a seed and an execution's number decide, so that each execution can be had again alone. */
export class Random {
  #state: number;

  constructor(seed: number, execution: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(execution + 1, 0x85ebca6b)) | 0;
    for (let i = 0; i < 4; i++) this.bits();
  }

  /** 32 bits: splitmix32 (Steele, Lea, Flood 2014, with murmur's finalizer). */
  bits(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  }

  /** An integer from 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor((this.bits() / 2 ** 32) * count);
  }

  chance(probability: number): boolean {
    return this.bits() < probability * 2 ** 32;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
}
