import { isUint16Array } from 'node:util/types'; // unlike instanceof, right across realms
import { badArgument, ResNetError } from './errors';
import { fromBfloat16, fromFloat16 } from './half';

/** The element types of a {@link Tensor}. */
export type DType = 'float32' | 'float64' | 'float16' | 'bfloat16' | 'int8' | 'uint8' | 'int32' | 'int64';

/** The arrays that a {@link Tensor} can hold. float16 and bfloat16 are the bits in a Uint16Array. */
export type TensorData =
  Float32Array | Float64Array | Uint16Array | Int8Array | Uint8Array | Uint8ClampedArray | Int32Array | BigInt64Array;

/** Bytes per element. */
export const DTYPE_BYTES: Readonly<Record<DType, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int8: 1,
  uint8: 1,
  int32: 4,
  int64: 8,
};

const ARRAYS: Readonly<Record<DType, string>> = {
  float32: 'Float32Array',
  float64: 'Float64Array',
  float16: 'Uint16Array or Float16Array',
  bfloat16: 'Uint16Array',
  int8: 'Int8Array',
  uint8: 'Uint8Array',
  int32: 'Int32Array',
  int64: 'BigInt64Array',
};

/** The dtypes that an array may hold, the default first. */
const DTYPES_OF: Readonly<Record<string, readonly DType[]>> = {
  Float32Array: ['float32'],
  Float64Array: ['float64'],
  Float16Array: ['float16'],
  Uint16Array: ['float16', 'bfloat16'],
  Int8Array: ['int8'],
  Uint8Array: ['uint8'],
  Uint8ClampedArray: ['uint8'],
  Int32Array: ['int32'],
  BigInt64Array: ['int64'],
};

/** The same in every copy of the package: test runners and bundlers may load several. */
const BRAND = Symbol.for('libtorch-resnet.Tensor');

/**
 * Plain data: a dtype, a shape and a row-major array. A Tensor owns JavaScript memory and is never a view of native
 * state. The array is not copied.
 *
 * @example
 * const picture = new Tensor(new Float32Array(3 * 224 * 224), [1, 3, 224, 224]);
 */
export class Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData;

  /**
   * @param data - a typed array in row-major order, or plain numbers (which become float32)
   * @param shape - the dimensions, non-negative integers; `[]` is a single value
   * @param dtype - inferred from the array; to be named for a Uint16Array ('float16' or 'bfloat16')
   * @throws ERR_DTYPE, ERR_SHAPE, ERR_ARGUMENT
   */
  constructor(data: TensorData | readonly number[], shape: readonly number[], dtype?: DType) {
    const array = Array.isArray(data) ? fromNumbers(data) : (data as TensorData);
    this.dtype = dtypeOf(array, dtype);
    const dimensions = dimensionsOf(shape);
    const elements = elementCount(dimensions);
    const length = lengthOf(array);
    if (length !== elements) {
      throw new ResNetError(
        'ERR_SHAPE',
        `data must hold ${elements} elements, the product of shape [${dimensions.join(', ')}], but got ${length}.`,
      );
    }
    this.shape = Object.freeze(dimensions);
    this.data = array;
  }

  /** The number of elements: the product of the shape. */
  get size(): number {
    return elementCount(this.shape);
  }

  /** The values as float32: the array itself where it is float32 already, a converted copy otherwise. */
  toFloat32(): Float32Array {
    if (this.dtype === 'float32') return this.data as Float32Array;
    if (this.dtype === 'bfloat16') return fromBfloat16(this.data as Uint16Array);
    // A Float16Array reads as numbers already; only the bits in a Uint16Array need decoding.
    if (this.dtype === 'float16' && isUint16Array(this.data)) return fromFloat16(this.data);
    if (this.dtype === 'int64') return Float32Array.from(this.data as BigInt64Array, Number);
    return new Float32Array(this.data as Exclude<TensorData, BigInt64Array>);
  }
}

Object.defineProperty(Tensor.prototype, BRAND, { value: true });

/** Whether `value` is a Tensor, of this copy of the package or of another one. @internal */
export function isTensor(value: unknown): value is Tensor {
  return value instanceof Tensor || (typeof value === 'object' && value !== null && BRAND in value);
}

/**
 * A copy of a tensor with its fields checked again: JavaScript can make objects of its prototype, and can change fields.
 *
 * @throws ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE
 */
export function checkTensor(value: unknown, argument: string): Tensor {
  if (!isTensor(value)) throw badArgument(argument, 'a Tensor', value);
  const { data, shape, dtype } = value;
  return new Tensor(data, shape, dtype);
}

/** [rows, columns] -> [columns, rows], copied. */
export function transpose({ data, shape, dtype }: Tensor): Tensor {
  const [rows, columns] = shape as [number, number];
  const out = data.slice();
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      out[column * rows + row] = data[row * columns + column] as never;
    }
  }
  return new Tensor(out, [columns, rows], dtype);
}

function fromNumbers(data: readonly unknown[]): Float32Array {
  const wrong = data.findIndex((value) => typeof value !== 'number');
  if (wrong !== -1) throw badArgument(`data[${wrong}]`, 'a number', data[wrong]);
  return Float32Array.from(data as readonly number[]);
}

/** Read by the engine's own getters, because an array's properties can be overridden. */
const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype) as object;
const tagOf = (array: unknown): string | undefined =>
  Reflect.get(TYPED_ARRAY, Symbol.toStringTag, array) as string | undefined;
const lengthOf = (array: TensorData): number => Reflect.get(TYPED_ARRAY, 'length', array) as number;

/** The dtype of `array`; `named` decides where the array alone is ambiguous. */
function dtypeOf(array: unknown, named: DType | undefined): DType {
  const tag = tagOf(array);
  const allowed = tag === undefined ? undefined : DTYPES_OF[tag];
  if (allowed === undefined) {
    throw badArgument('data', 'a Float32Array or another of the typed arrays that a tensor can hold', array);
  }
  if (named === undefined) {
    if (tag !== 'Uint16Array') return allowed[0] as DType;
    throw new ResNetError('ERR_DTYPE', "dtype must be named, 'float16' or 'bfloat16', for a Uint16Array.");
  }
  if (typeof named !== 'string' || !Object.hasOwn(DTYPE_BYTES, named)) {
    throw badArgument('dtype', `one of ${Object.keys(DTYPE_BYTES).join(', ')}`, named, 'ERR_DTYPE');
  }
  if (!allowed.includes(named)) {
    throw new ResNetError('ERR_DTYPE', `data must be a ${ARRAYS[named]} for dtype '${named}', but got a ${tag}.`);
  }
  return named;
}

/** A shape, read once: an array may have getters that return something else the next time. */
function dimensionsOf(shape: unknown): number[] {
  if (!Array.isArray(shape) || shape.length > MAX_DIMENSIONS) {
    throw badArgument('shape', `an array of at most ${MAX_DIMENSIONS} integers`, shape, 'ERR_SHAPE');
  }
  return Array.from({ length: shape.length }, (_, i) => (shape as readonly number[])[i] as number);
}

/** libtorch's own limit. */
const MAX_DIMENSIONS = 64;

/**
 * The product of a shape.
 *
 * @throws ERR_SHAPE if a dimension is not a non-negative integer or the product is not a safe integer
 */
export function elementCount(shape: readonly number[], argument = 'shape'): number {
  if (!Array.isArray(shape)) throw badArgument(argument, 'an array of integers', shape, 'ERR_SHAPE');
  let product = 1;
  for (const dimension of shape as readonly unknown[]) {
    if (!Number.isSafeInteger(dimension) || (dimension as number) < 0) {
      throw badArgument(argument, 'an array of non-negative integers', shape, 'ERR_SHAPE');
    }
    product *= dimension as number;
  }
  if (!Number.isSafeInteger(product)) {
    throw badArgument(argument, 'a shape whose product is at most 2^53 - 1', shape, 'ERR_SHAPE');
  }
  return product;
}
