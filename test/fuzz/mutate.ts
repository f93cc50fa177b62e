import type { Random } from './random';

/** Integers where readers of lengths and offsets go wrong. */
const EDGES = [0, 1, 2, 3, 4, 7, 8, 15, 16, 63, 64, 127, 128, 255, 256, 4095, 4096, 32767, 32768, 65535, 65536];
const FAR_EDGES = [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52, 2 ** 53 - 1, 2 ** 53];

export const edge = (random: Random): number => (random.chance(0.7) ? random.pick(EDGES) : random.pick(FAR_EDGES));

type Step = (bytes: Buffer, random: Random, words: readonly Uint8Array[]) => Buffer;

const at = (bytes: Buffer, random: Random): number => random.below(bytes.length + 1);
const spliced = (bytes: Buffer, from: number, to: number, ...put: Uint8Array[]): Buffer =>
  Buffer.concat([bytes.subarray(0, from), ...put, bytes.subarray(to)]);

function stretch(bytes: Buffer, random: Random): [number, number] {
  const from = at(bytes, random);
  return [from, Math.min(bytes.length, from + random.below(random.chance(0.8) ? 16 : 512))];
}

function integer(random: Random): Buffer {
  const bytes = Buffer.alloc(8);
  const value = BigInt(edge(random));
  bytes.writeBigInt64LE(random.chance(0.8) ? value : -value);
  return bytes.subarray(0, random.pick([1, 2, 4, 8]));
}

const STEPS: readonly Step[] = [
  (bytes, random) => {
    if (bytes.length === 0) return bytes;
    const i = random.below(bytes.length);
    bytes[i] = bytes[i]! ^ (1 << random.below(8));
    return bytes;
  },
  (bytes, random) => {
    if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
    return bytes;
  },
  (bytes, random) => {
    const number = integer(random);
    const from = at(bytes, random);
    return spliced(bytes, from, Math.min(bytes.length, from + number.length), number);
  },
  (bytes, random) => spliced(bytes, ...stretch(bytes, random)),
  (bytes, random) => {
    const [from, to] = stretch(bytes, random);
    const where = at(bytes, random);
    return spliced(bytes, where, where, bytes.subarray(from, to));
  },
  (bytes, random) => bytes.subarray(0, at(bytes, random)),
  (bytes, random, words) => {
    if (words.length === 0) return bytes;
    const from = at(bytes, random);
    const word = random.pick(words);
    return spliced(bytes, from, random.chance(0.5) ? from : Math.min(bytes.length, from + word.length), word);
  },
];

/**
 * Changes bytes in one to four places: bits, bytes, integers at the edges of their widths, stretches left out, repeated
 * or cut off, words of the format.
 */
export function mutated(source: Uint8Array, random: Random, words: readonly Uint8Array[] = []): Buffer {
  let bytes: Buffer = Buffer.from(source);
  for (let left = 1 + random.below(4); left > 0; left--) bytes = random.pick(STEPS)(bytes, random, words);
  return bytes;
}
