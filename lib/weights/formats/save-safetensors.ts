import { DTYPE_BYTES, type DType, type Tensor } from '../../tensor';
import { writeAtomically } from '../../atomic-write';

const TYPE_NAMES: Readonly<Record<DType, string>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int8: 'I8',
  uint8: 'U8',
};

/**
 * Writes a safetensors file with the layout of the reference implementation: wider types first, then by name, the header
 * padded so that the data is aligned. The file is written atomically.
 *
 * @throws ERR_FILE
 */
export async function saveSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const ordered = [...tensors].sort(
    ([a, { dtype: x }], [b, { dtype: y }]) => DTYPE_BYTES[y] - DTYPE_BYTES[x] || (a < b ? -1 : 1),
  );
  await writeAtomically(path, bytesOf(ordered, metadata));
}

function* bytesOf(
  tensors: readonly (readonly [string, Tensor])[],
  metadata: Readonly<Record<string, string>>,
): Generator<Uint8Array> {
  yield header(tensors, metadata);
  for (const [, { data }] of tensors) yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function header(tensors: readonly (readonly [string, Tensor])[], metadata: Readonly<Record<string, string>>): Buffer {
  let end = 0;
  const entries = tensors.map(([name, { dtype, shape, data }]): [string, unknown] => {
    const begin = end;
    end += data.byteLength;
    return [name, { dtype: TYPE_NAMES[dtype], shape, data_offsets: [begin, end] }];
  });
  const described = Object.keys(metadata).length === 0 ? [] : [['__metadata__', metadata] as [string, unknown]];
  const json = Buffer.from(JSON.stringify(Object.fromEntries([...described, ...entries])));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ');
  json.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded]);
}
