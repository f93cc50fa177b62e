import { inspect } from '../../errors';
import { parseBase64 } from '../http/base64';
import { badRequest } from '../http/error-response';

/** Byte strings of a binary tensor: each is preceded by its length, 4 bytes little-endian. @throws ERR_REQUEST */
export function bytesFromBinary(data: Buffer, count: number, name: string): Uint8Array[] {
  const elements: Uint8Array[] = [];
  let at = 0;
  while (at < data.length && elements.length < count) {
    const end = at + 4 <= data.length ? at + 4 + data.readUInt32LE(at) : Infinity;
    if (end > data.length) break;
    elements.push(data.subarray(at + 4, end));
    at = end;
  }
  if (elements.length === count && at === data.length) return elements;
  throw badRequest(
    `${name} must hold ${count} byte strings, each after its length in 4 bytes, in ${data.length} bytes of binary data.`,
  );
}

/** The inverse of {@link bytesFromBinary}. */
export function bytesToBinary(elements: readonly string[]): Buffer {
  return Buffer.concat(
    elements.flatMap((element) => {
      const bytes = Buffer.from(element);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** Byte strings of a JSON tensor, in base64. @throws ERR_REQUEST */
export function bytesFromJson(data: readonly unknown[], count: number, name: string): Uint8Array[] {
  const elements = data.flat(1);
  if (elements.length !== count) throw wrongCount(name, count, elements.length);
  return elements.map((element, i) => parseBase64(element, `${name}.data[${i}]`));
}

/** Little-endian float32, copied only where it is not aligned. @throws ERR_REQUEST */
export function floatsFromBinary(data: Buffer, count: number, name: string): Float32Array {
  if (data.length !== 4 * count) throw wrongCount(name, 4 * count, data.length, 'bytes');
  const aligned = data.byteOffset % 4 === 0;
  return aligned
    ? new Float32Array(data.buffer, data.byteOffset, count)
    : new Float32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.length));
}

/** Without a copy. @throws ERR_REQUEST */
export function uint8FromBinary(data: Buffer, count: number, name: string): Uint8Array {
  if (data.length !== count) throw wrongCount(name, count, data.length, 'bytes');
  return data;
}

/** Numbers of a JSON tensor, flat or nested, written to `target`. @throws ERR_REQUEST */
export function numbersFromJson<T extends Uint8Array | Float32Array>(
  data: readonly unknown[],
  target: T,
  fits: (value: number) => boolean,
  name: string,
): T {
  let at = 0;
  const append = (values: readonly unknown[], depth: number): void => {
    for (const value of values) {
      if (typeof value === 'number' && fits(value)) target[at++] = value;
      else if (Array.isArray(value) && depth < 4) append(value, depth + 1);
      else throw badRequest(`${name}.data holds ${inspect(value)}, which does not fit its datatype.`);
    }
  };
  append(data, 1);
  if (at !== target.length) throw wrongCount(name, target.length, at);
  return target;
}

function wrongCount(name: string, expected: number, got: number, unit = 'elements'): Error {
  return badRequest(`${name} must hold ${expected} ${unit}, as its shape says, but got ${got}.`);
}
