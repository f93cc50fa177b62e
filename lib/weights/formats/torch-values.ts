import type { DType } from '../../tensor';
import { isCount } from './guards';
import { Global, globals, INERT, integers, FormatViolation, type Globals } from './pickle-values';
import { NUMPY } from './numpy';
import { PLAIN } from './plain-globals';

/** An element type: its name in PyTorch, its size, and the dtype if {@link Tensor} has it. */
export class TorchType {
  constructor(
    readonly name: string,
    readonly bytes: number,
    readonly dtype?: DType,
  ) {}
}

/** The memory that tensors are views of: a record of the archive, or a range of the legacy format's file. */
export class TorchStorage {
  constructor(
    readonly type: TorchType,
    readonly key: string,
    /** Elements of the whole storage. */
    readonly count: number,
    /** The legacy format has views of a part of a storage; in elements. */
    readonly offset = 0,
    readonly visible = count,
  ) {}
}

export class TorchTensor {
  constructor(
    readonly storage: TorchStorage,
    /** The storage's type, unless that is untyped. */
    readonly type: TorchType,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}

  get dtype(): DType | undefined {
    return this.type.dtype;
  }
}

/** How {@link TorchTensor}s are found in an unpickled object. */
export const TORCH_TENSORS = {
  isTensor: (value: unknown): value is TorchTensor => value instanceof TorchTensor,
  describe: (tensor: TorchTensor): TorchTensor => tensor,
};

const TYPES = {
  Double: new TorchType('float64', 8, 'float64'),
  Float: new TorchType('float32', 4, 'float32'),
  Half: new TorchType('float16', 2, 'float16'),
  BFloat16: new TorchType('bfloat16', 2, 'bfloat16'),
  Long: new TorchType('int64', 8, 'int64'),
  Int: new TorchType('int32', 4, 'int32'),
  Short: new TorchType('int16', 2),
  Char: new TorchType('int8', 1, 'int8'),
  Byte: new TorchType('uint8', 1, 'uint8'),
  Bool: new TorchType('bool', 1),
  ComplexFloat: new TorchType('complex64', 8),
  ComplexDouble: new TorchType('complex128', 16),
} as const;

const UNTYPED = new TorchType('untyped', 1);

/** Globals that name a storage's type: `torch.FloatStorage`. */
const STORAGE_TYPES: ReadonlyMap<string, TorchType> = new Map([
  ...Object.entries(TYPES).map(([name, type]) => [`torch.${name}Storage`, type] as const),
  ['torch.storage.UntypedStorage', UNTYPED] as const,
]);

/** Globals that name an element type: `torch.float32`. */
const ELEMENT_TYPES: ReadonlyMap<string, TorchType> = new Map(
  [
    ...Object.values(TYPES),
    ...['uint16', 'uint32', 'uint64'].map((name) => new TorchType(name, Number(name.slice(4)) / 8)),
    ...['float8_e4m3fn', 'float8_e5m2', 'float8_e4m3fnuz', 'float8_e5m2fnuz'].map((name) => new TorchType(name, 1)),
  ].map((type) => [`torch.${type.name}`, type]),
);

/** A pickle's persistent id of a storage: ('storage', type, key, device, count[, view]). */
export function persistentStorage(id: unknown): TorchStorage {
  if (!Array.isArray(id) || id[0] !== 'storage') throw new FormatViolation('refers to an object that is not a storage');
  const [, global, key, , count, view] = id as unknown[];
  const type = global instanceof Global ? STORAGE_TYPES.get(global.name) : undefined;
  if (type === undefined) throw new FormatViolation('has a storage whose type is not known');
  if (typeof key !== 'string' || !isCount(count)) throw new FormatViolation('has a storage without a key or a length');
  if (view === undefined || view === null) return new TorchStorage(type, key, count);
  const [, offset, visible] = Array.isArray(view) ? (view as unknown[]) : [];
  if (!isCount(offset) || !isCount(visible) || offset + visible > count) {
    throw new FormatViolation(`has a view of storage ${key} that reaches beyond it`);
  }
  return new TorchStorage(type, key, count, offset, visible);
}

/** (storage, offset, shape, strides, …); metadata tells whether the tensor is stored negated or conjugated. */
function tensor(args: readonly unknown[], type?: TorchType, metadata?: unknown): TorchTensor {
  const [storage, offset, shape, strides] = args;
  if (!(storage instanceof TorchStorage)) throw new FormatViolation('has a tensor without a storage');
  if (!isCount(offset)) throw new FormatViolation('has a tensor whose offset is not a non-negative integer');
  const [dimensions, steps] = [integers(shape, 'shape'), integers(strides, 'strides')];
  if (dimensions.length !== steps.length)
    throw new FormatViolation('has a tensor with more dimensions than strides, or less');
  if (metadata instanceof Map && (metadata.get('conj') === true || metadata.get('neg') === true)) {
    throw new FormatViolation('has a tensor that is stored negated or conjugated');
  }
  return new TorchTensor(storage, type ?? storage.type, offset, dimensions, steps);
}

/** As `tensor`, of an untyped storage; the type is an argument. */
function typedTensor(args: readonly unknown[]): TorchTensor {
  const type = args[6] instanceof Global ? ELEMENT_TYPES.get(args[6].name) : undefined;
  if (type === undefined) throw new FormatViolation('has a tensor whose type is not known');
  return tensor(args, type, args[7]);
}

function parameter([data]: readonly unknown[]): unknown {
  if (!(data instanceof TorchTensor)) throw new FormatViolation('has a parameter that is not a tensor');
  return data;
}

function size([dimensions]: readonly unknown[]): unknown {
  return Object.freeze(integers(dimensions ?? [], 'size'));
}

/** All globals that a state dict, or plain data beside it in a checkpoint, may name. */
export const TORCH: Globals = new Map([
  ...globals({
    'torch._utils._rebuild_tensor': (args) => tensor(args),
    'torch._utils._rebuild_tensor_v2': (args) => tensor(args, undefined, args[6]),
    'torch._utils._rebuild_tensor_v3': typedTensor,
    'torch._utils._rebuild_parameter': parameter,
    'torch._utils._rebuild_parameter_with_state': parameter,
    'torch.Size': size,
    'torch.device': () => INERT,
    'torch.serialization._get_layout': () => INERT,
    ...Object.fromEntries([...STORAGE_TYPES.keys(), ...ELEMENT_TYPES.keys()].map((name) => [name, undefined])),
  }),
  ...NUMPY,
  ...PLAIN,
]);
