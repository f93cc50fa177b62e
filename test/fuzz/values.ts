import { Tensor } from '../../lib/tensor';
import type { Random } from './random';
import { Thrown } from './target';

const ARRAYS = [
  Float32Array,
  Float64Array,
  Uint16Array,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int32Array,
  BigInt64Array,
  Uint32Array,
  Int16Array,
  BigUint64Array,
] as const;

const detached = (): Float32Array => {
  const array = new Float32Array(4);
  structuredClone(array, { transfer: [array.buffer] });
  return array;
};

// What TypeScript's library of ES2023 does not know yet.
type Resizable = ArrayBuffer & { resize(bytes: number): void };
const Resizing = ArrayBuffer as unknown as new (bytes: number, options: { maxByteLength: number }) => Resizable;

/** A view of a buffer that has shrunk, or grown, since. */
const resized = (random: Random): Float32Array => {
  const buffer = new Resizing(64, { maxByteLength: 1024 });
  const array = random.chance(0.5) ? new Float32Array(buffer) : new Float32Array(buffer, 16, 4);
  buffer.resize(random.pick([0, 8, 16, 60, 64, 128, 1024]));
  return array;
};

/** A typed array of almost any kind, in almost any state. */
export function typedArray(random: Random, length = random.below(9)): unknown {
  const Kind = random.pick(ARRAYS);
  switch (random.below(8)) {
    case 0:
      return detached();
    case 1:
      return resized(random);
    case 2:
      return new Kind(new SharedArrayBuffer(length * 8) as unknown as ArrayBuffer, 0, length);
    case 3:
      return new Kind(new ArrayBuffer(length * 8 + 16), 8, length);
    case 4: {
      const array = new Kind(length);
      const name = random.pick([Symbol.toStringTag, 'length', 'buffer', 'byteOffset', 'constructor']);
      Object.defineProperty(array, name, {
        value: random.pick(['Float32Array', 'constructor', 4, 2 ** 32, null, undefined, {}]),
      });
      return array;
    }
    default:
      return new Kind(length);
  }
}

const thrower = (): never => {
  throw new Thrown('a getter of the caller');
};

const traps: ProxyHandler<object> = { get: thrower, has: thrower, ownKeys: thrower, getPrototypeOf: thrower };

/** Numbers of which each lies outside of what is taken anywhere, or is small. */
const NUMBERS = [-1, -0, 0, 0.5, NaN, Infinity, -Infinity, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 64, 1e300, 1, 2, 3];

/** Any JavaScript value at all. */
export function junk(random: Random, depth = 0): unknown {
  switch (random.below(depth > 2 ? 10 : 16)) {
    case 0:
      return undefined;
    case 1:
      return null;
    case 2:
      return random.pick(NUMBERS);
    case 3:
      return random.pick(['', 'cpu', 'float32', 'length', '__proto__', '\ud800', 'x'.repeat(10_000), '1']);
    case 4:
      return random.chance(0.5);
    case 5:
      return random.pick([0n, -1n, 2n ** 64n]);
    case 6:
      return random.pick([Symbol('s'), Symbol.iterator]);
    case 7:
      return typedArray(random);
    case 8:
      return random.pick([() => 1, Map, Math.max, new Date(NaN), /x/, new Map(), new Set([1]), new Error('e')]);
    case 9:
      return random.pick([new DataView(new ArrayBuffer(8)), new ArrayBuffer(8), new SharedArrayBuffer(8)]);
    case 10:
      return new Proxy(random.pick<object>([[], {}, new Float32Array(4), thrower]), traps);
    case 11:
      return Object.defineProperty({}, random.pick(['dtype', 'shape', 'data', 'length', 'name', 'device']), {
        get: thrower,
        enumerable: true,
      });
    case 12:
      return Object.create(
        random.pick<object | null>([Tensor.prototype, Array.prototype, Float32Array.prototype, null]),
      );
    case 13: {
      const sparse: unknown[] = [];
      sparse.length = random.pick([0, 1, 3, 2 ** 32 - 1]);
      return sparse;
    }
    case 14:
      return Array.from({ length: random.below(6) }, () => junk(random, depth + 1));
    default:
      return Object.fromEntries(
        ['dtype', 'shape', 'data', 'name', 'device']
          .filter(() => random.chance(0.6))
          .map((name) => [name, junk(random, depth + 1)]),
      );
  }
}

/** A value, or now and then any other. */
export function perhaps(random: Random, value: unknown): unknown {
  return random.chance(0.85) ? value : junk(random);
}

/** An object, some of whose fields may have become anything or getters that throw. */
export function perhapsFields(random: Random, fields: Readonly<Record<string, unknown>>): unknown {
  const made: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (random.chance(0.02)) continue;
    if (random.chance(0.02)) Object.defineProperty(made, name, { get: thrower, enumerable: true });
    else made[name] = random.chance(0.93) ? value : junk(random);
  }
  return random.chance(0.96) ? made : junk(random);
}
