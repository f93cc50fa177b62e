/** Conversions of the 16-bit floats, held as bits: JavaScript has no arithmetic for them (Float16Array needs Node 24). */

/** A bfloat16 is the upper half of a float32. */
export function fromBfloat16(bits: Uint16Array): Float32Array {
  const out = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = (bits[i] as number) << 16;
  return new Float32Array(out.buffer);
}

/** Rounds to nearest, ties to even, as PyTorch does; NaN stays NaN. */
export function toBfloat16(values: Float32Array): Uint16Array {
  const words = bitsOf(values);
  const out = new Uint16Array(words.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as number;
    const nan = (word & 0x7fffffff) > 0x7f800000;
    out[i] = nan ? 0x7fc0 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return out;
}

export function fromFloat16(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = decodeHalf(bits[i] as number);
  return out;
}

function decodeHalf(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Rounds to nearest, ties to even; values that round beyond 65,504 become infinite, NaN stays NaN. */
export function toFloat16(values: Float32Array): Uint16Array {
  const words = bitsOf(values);
  const out = new Uint16Array(words.length);
  for (let i = 0; i < words.length; i++) out[i] = encodeHalf(words[i] as number);
  return out;
}

/** @param word - the bits of a float32 */
function encodeHalf(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const size = word & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00;
  if (size >= 0x47800000) return sign | 0x7c00; // 2^16 and above
  if (size >= 0x38800000) {
    // 2^-14 and above: the exponent's bias changes from 127 to 15, and 13 bits are rounded off. A carry out of the
    // fraction increments the exponent; out of the largest exponent, it gives infinity.
    return sign | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
  }
  // Subnormal, in units of 2^-24: the fraction with its implicit bit, shifted by the difference of the exponents.
  const shift = 126 - (size >>> 23);
  if (shift > 24) return sign;
  const fraction = (size & 0x7fffff) | 0x800000;
  const units = fraction >>> shift;
  const rest = fraction & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return sign | (units + (rest > middle || (rest === middle && units % 2 === 1) ? 1 : 0));
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
