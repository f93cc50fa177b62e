import { type DType, type Tensor } from '../../lib/index';
import { global, persistent, pickle, reduce, tuple, type Pickled } from './pickle';
import { zip, type ZipOptions } from './zip';

/** A state dict in PyTorch's formats, for tests that have no PyTorch. */

const STORAGES: Readonly<Record<DType, string>> = {
  float32: 'Float',
  float64: 'Double',
  float16: 'Half',
  bfloat16: 'BFloat16',
  int64: 'Long',
  int32: 'Int',
  int8: 'Char',
  uint8: 'Byte',
};

/** A tensor as a view of a storage. */
export interface View {
  key: string;
  dtype: DType;
  /** Elements of the storage, as the pickle has it. */
  count: number;
  offset?: number;
  shape: readonly number[];
  strides: readonly number[];
}

export function rebuilt({ key, dtype, count, offset = 0, shape, strides }: View, legacy = false): Pickled {
  const id = ['storage', global('torch', `${STORAGES[dtype]}Storage`), key, 'cpu', count];
  return reduce(
    global('torch._utils', '_rebuild_tensor_v2'),
    persistent(tuple(...id, ...(legacy ? [null] : []))),
    offset,
    tuple(...shape),
    tuple(...strides),
    false,
    reduce(global('collections', 'OrderedDict')),
  );
}

export const bytesOf = ({ data }: Tensor): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

function strides(shape: readonly number[]): number[] {
  return shape.map((_, i) => shape.slice(i + 1).reduce((product, dimension) => product * dimension, 1));
}

/** Each tensor in a storage of its own. */
function views(tensors: ReadonlyMap<string, Tensor>): [string, View, Uint8Array][] {
  return [...tensors].map(([name, tensor], i) => {
    const { dtype, shape, size } = tensor;
    return [name, { key: String(i), dtype, count: size, shape, strides: strides(shape) }, bytesOf(tensor)];
  });
}

export interface PthOptions extends ZipOptions {
  legacy?: boolean;
  /** What the state dict stands in. */
  wrap?: (dict: Pickled) => Pickled;
  protocol?: number;
}

/** What torch.save writes. */
export function pth(tensors: ReadonlyMap<string, Tensor>, options: PthOptions = {}): Buffer {
  const { legacy = false, wrap = (dict) => dict } = options;
  const all = views(tensors);
  const dict = wrap(new Map(all.map(([name, view]) => [name, rebuilt(view, legacy)])));
  const storages = all.map(([, view, bytes]) => [view, bytes] as const);
  return legacy ? legacyPth(dict, storages) : zipPth(dict, storages, options);
}

export function zipPth(
  root: Pickled,
  storages: readonly (readonly [View, Uint8Array])[],
  options: PthOptions & { byteorder?: string } = {},
): Buffer {
  return zip(
    [
      ['net/data.pkl', pickle(root, options.protocol)],
      ['net/byteorder', Buffer.from(options.byteorder ?? 'little')],
      ...storages.map(([{ key }, bytes]) => [`net/data/${key}`, bytes] as const),
      ['net/version', Buffer.from('3\n')],
    ],
    options,
  );
}

export function legacyPth(
  root: Pickled,
  storages: readonly (readonly [View, Uint8Array])[],
  littleEndian = true,
): Buffer {
  const system = new Map<string, Pickled>([
    ['protocol_version', 1001],
    ['little_endian', littleEndian],
  ]);
  return Buffer.concat([
    ...[0x1950a86a20f9469cfc6cn, 1001, system, root, storages.map(([{ key }]) => key)].map((part) => pickle(part)),
    ...storages.flatMap(([{ count }, bytes]) => {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(count));
      return [length, bytes];
    }),
  ]);
}
