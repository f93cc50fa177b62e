import type { DType } from '../../tensor';
import {
  globals,
  INERT,
  integers,
  LongText,
  PickledBytes,
  FormatViolation,
  type Call,
  type Buildable,
  type Globals,
} from './pickle-values';

/** Dtypes by numpy's letter and width. Files may name other types, but their values cannot be read. */
const TYPES: Readonly<Record<string, DType>> = {
  f8: 'float64',
  f4: 'float32',
  f2: 'float16',
  i8: 'int64',
  i4: 'int32',
  i1: 'int8',
  u1: 'uint8',
};

export class NumpyType implements Buildable {
  bigEndian = false;

  /** @param code - a letter and the bytes per element, e.g. `f4` */
  constructor(readonly code: string) {}

  get dtype(): DType | undefined {
    return Object.hasOwn(TYPES, this.code) ? TYPES[this.code] : undefined;
  }

  /** (version, byte order, …); the rest is for types that are not read. */
  build(state: unknown): void {
    if (Array.isArray(state)) this.bigEndian = state[1] === '>';
  }
}

/** Bytes of an array: left in the file, or a short text that is already decoded. */
export type NumpyBytes = PickledBytes | Uint8Array;

export class NumpyArray implements Buildable {
  shape: readonly number[] = [];
  type = new NumpyType('?');
  fortran = false;
  bytes: NumpyBytes | undefined;

  /** (version, shape, type, whether in Fortran order, bytes); for arrays of Python objects, the last is a list. */
  build(state: unknown): void {
    if (!Array.isArray(state) || state.length !== 5) throw new FormatViolation('has an array whose state is malformed');
    const [, shape, type, fortran, bytes] = state as unknown[];
    if (!(type instanceof NumpyType)) throw new FormatViolation('has an array without a type');
    this.shape = integers(shape, 'shape');
    this.type = type;
    this.fortran = fortran === true;
    this.bytes = bytes instanceof PickledBytes || bytes instanceof Uint8Array ? bytes : undefined;
  }
}

function type([code]: readonly unknown[]): NumpyType {
  if (typeof code !== 'string') throw new FormatViolation('has an array whose type has no name');
  const [, order, plain] = /^([<>|=]?)(.*)$/s.exec(code) as unknown as [string, string, string];
  const made = new NumpyType(plain);
  made.bigEndian = order === '>';
  return made;
}

/** How protocol 5 makes an array: (bytes, type, shape, order). */
function fromBuffer([bytes, of, shape, order]: readonly unknown[]): NumpyArray {
  const array = new NumpyArray();
  array.build([1, shape, of, order === 'F', bytes]);
  return array;
}

/** Protocol 2 has no bytes; it writes them as text of characters up to U+00FF. */
function encode([text, encoding]: readonly unknown[]): NumpyBytes {
  if (encoding !== 'latin1') throw new FormatViolation('has bytes in an encoding other than latin1');
  if (text instanceof LongText) return new PickledBytes(text.offset, text.length, 'latin1');
  if (typeof text !== 'string') throw new FormatViolation('has bytes that are not text');
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

/** Numpy's globals, by their names in numpy 1 and 2. */
export const NUMPY: Globals = globals({
  'numpy.dtype': type,
  'numpy.ndarray': undefined,
  ...Object.fromEntries<Call>(
    ['numpy.core', 'numpy._core'].flatMap((core) => [
      [`${core}.multiarray._reconstruct`, () => new NumpyArray()],
      [`${core}.multiarray.scalar`, () => INERT],
      [`${core}.numeric._frombuffer`, fromBuffer],
    ]),
  ),
  '_codecs.encode': encode,
});
