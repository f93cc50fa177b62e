import type { FileHandle } from 'node:fs/promises';
import { ResNetError, inspect } from '../../errors';
import type { DType } from '../../tensor';
import { malformedFile } from './malformed';
import { checkBudget, elementsOf } from './budget';
import { ByteWindow } from './byte-window';
import { stateDictsOf, type Choose, type StateDict } from './checkpoint';
import { isCounts } from './guards';
import { NUMPY, NumpyArray, type NumpyType } from './numpy';
import { unpickle } from './pickle';
import { PickledBytes, FormatViolation, type Globals } from './pickle-values';
import { PLAIN } from './plain-globals';
import { columnMajor, isRowMajor, rowMajor } from './strides';
import type { FileRange, WeightEntry, WeightFile } from './weight-file';

/**
 * PaddlePaddle's format: one pickle of a dict from names to numpy arrays, whose bytes are in the file as they are
 * (protocol 4) or encoded as text (2). The dict also holds tables of Paddle's own.
 */

const KIND = 'PaddlePaddle file';
const GLOBALS: Globals = new Map([...NUMPY, ...PLAIN]);
/** Maps arrays to the parameters of a static program; not used here. */
const PARAMETER_NAMES = 'StructuredToParameterName@@';
/** Old protocols cannot hold arrays above a gigabyte; this lists the slices: {name: {OriginShape, slices}}. */
const SLICES = 'UnpackBigParamInfor@@';

/** True if a file starts with a pickle of protocol 2 to 5. */
export function looksLikePickle(start: Uint8Array): boolean {
  return start[0] === 0x80 && (start[1] ?? 0) >= 2 && (start[1] ?? 0) <= 5;
}

/** @throws ERR_WEIGHTS_FORMAT, ERR_WEIGHTS_GLOBAL */
export async function readPdparamsHeader(path: string, file: FileHandle, choose: Choose): Promise<WeightFile> {
  const { size } = await file.stat();
  const fail = (problem: string): ResNetError => malformedFile(path, KIND, problem);
  const window = new ByteWindow(file, 0, size, () => fail('ends early'));
  const inert = new Set<string>();
  const root = await unpickle(window, { globals: GLOBALS, inert, fail, path });
  try {
    if (window.remaining > 0) throw new FormatViolation(`has ${window.remaining} bytes behind its pickle`);
    const dicts = stateDictsOf(withoutTables(root), ARRAYS, { path, inert });
    const chosen = choose(dicts.map((dict) => joinSlices(dict, root)));
    const entries = [...chosen].map(([name, array]) => entryOf(name, array));
    checkBudget(entries, size);
    return { path, format: 'pdparams', metadata: {}, entries, inert: [...inert] };
  } catch (error) {
    throw error instanceof FormatViolation ? fail(error.message) : error;
  }
}

function withoutTables(root: unknown): unknown {
  if (!(root instanceof Map)) return root;
  return new Map([...root].filter(([name]) => name !== PARAMETER_NAMES && name !== SLICES));
}

/** An array; within nested objects, a pair of Paddle's own name and the array. */
type StoredArray = NumpyArray | readonly [string, NumpyArray];

function isArray(value: unknown): value is StoredArray {
  const array: unknown = Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' ? value[1] : value;
  return array instanceof NumpyArray;
}

/** An array whose elements are in one part of the file, or in several. */
interface SlicedArray {
  dtype: DType | undefined;
  shape: readonly number[];
  parts: readonly NumpyArray[];
}

const ARRAYS = {
  isTensor: isArray,
  describe: (stored: StoredArray): SlicedArray => {
    const array = stored instanceof NumpyArray ? stored : stored[1];
    return { dtype: dtypeOf(array.type), shape: array.shape, parts: [array] };
  },
};

/** Joins the slices of the arrays of the outermost dict; Paddle cuts no others. */
function joinSlices(dict: StateDict<SlicedArray>, root: unknown): StateDict<SlicedArray> {
  const table: unknown = root instanceof Map ? root.get(SLICES) : undefined;
  if (dict.place !== '' || !(table instanceof Map)) return dict;
  const arrays = new Map(dict.tensors);
  for (const [name, info] of table as Map<unknown, unknown>) {
    const [shape, slices] = info instanceof Map ? [info.get('OriginShape'), info.get('slices')] : [];
    if (typeof name !== 'string' || !isCounts(shape) || !Array.isArray(slices)) {
      throw new FormatViolation(`has a ${SLICES} that is not a table of parts`);
    }
    const parts = (slices as unknown[]).flatMap((slice) => arrays.get(slice as string)?.parts ?? []);
    if (parts.length !== slices.length || parts.length === 0)
      throw new FormatViolation(`lacks parts of ${inspect(name)}`);
    for (const slice of slices as string[]) arrays.delete(slice);
    if (arrays.has(name)) throw new FormatViolation(`names ${inspect(name)} twice`);
    arrays.set(name, { dtype: parts[0] && dtypeOf(parts[0].type), shape: [...shape], parts });
  }
  return { ...dict, tensors: arrays };
}

/** Numpy has no bfloat16, so Paddle stores its bits as unsigned 16-bit integers, which parameters never are. */
function dtypeOf(type: NumpyType): DType | undefined {
  return type.code === 'u2' ? 'bfloat16' : type.dtype;
}

function entryOf(name: string, { dtype, shape, parts }: SlicedArray): WeightEntry {
  const [first] = parts as [NumpyArray];
  const { type, fortran } = first;
  const elements = elementsOf(name, shape);
  if (dtype === undefined) return { name, dtype, fileType: type.code, shape, offset: 0, length: 0 };
  const width = Number(type.code.slice(1));
  if (parts.some((part) => part.type.code !== type.code || part.type.bigEndian !== type.bigEndian)) {
    throw new FormatViolation(`has parts of ${inspect(name)} that differ in type`);
  }
  if (parts.length > 1 && parts.some((part) => part.fortran && part.shape.length > 1)) {
    throw new FormatViolation(`has parts of ${inspect(name)} that are not flat`);
  }
  const ranges = parts.map((part) => fileRangeOf(name, part, elementsOf(name, part.shape) * width));
  const length = elements * width;
  if (ranges.reduce((sum, { size }) => sum + size, 0) !== length) {
    throw new FormatViolation(`has parts of ${inspect(name)} that are not the whole of its shape`);
  }
  const strides = fortran ? columnMajor(shape) : rowMajor(shape);
  const [range] = ranges as [FileRange];
  const entry: WeightEntry = { name, dtype, fileType: type.code, shape, offset: range.offset, length };
  const contiguous = ranges.length === 1 && range.encoding === 'none' && range.bytes === undefined;
  if (contiguous && isRowMajor(shape, strides) && (!type.bigEndian || width === 1)) return entry;
  return { ...entry, packing: { ranges, start: 0, strides, bigEndian: type.bigEndian } };
}

function fileRangeOf(name: string, { bytes }: NumpyArray, size: number): FileRange {
  if (bytes === undefined) throw new FormatViolation(`has an array ${inspect(name)} without its bytes`);
  const range: FileRange =
    bytes instanceof PickledBytes
      ? { offset: bytes.offset, length: bytes.length, size, encoding: bytes.encoding }
      : { offset: 0, length: bytes.length, size, encoding: 'none', bytes };
  // Encoded as text, a byte takes one or two bytes of UTF-8.
  const maxLength = range.encoding === 'latin1' ? 2 * size : size;
  if (range.length < size || range.length > maxLength) {
    throw new FormatViolation(
      `has an array ${inspect(name)} of ${size} bytes by its shape and ${range.length} in the file`,
    );
  }
  return range;
}
