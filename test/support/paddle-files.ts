import { Tensor, type DType } from '../../lib/index';
import { build, global, pickle, reduce, tuple, type Pickled } from './pickle';
import { bytesOf } from './torch-files';

/** A state dict in PaddlePaddle's format, for tests that have no PaddlePaddle. */

const CODES: Partial<Record<DType, string>> = {
  float32: 'f4',
  float64: 'f8',
  float16: 'f2',
  bfloat16: 'u2',
  int64: 'i8',
};

export interface ArrayOptions {
  protocol?: number;
  /** numpy's module: 'numpy.core' before its version 2. */
  core?: string;
  order?: '<' | '>';
  fortran?: boolean;
}

/** A numpy array as numpy pickles it. */
export function array(shape: readonly number[], code: string, bytes: Uint8Array, options: ArrayOptions = {}): Pickled {
  const { core = 'numpy._core', order = '<', fortran = false } = options;
  const type = build(reduce(global('numpy', 'dtype'), code, false, true), tuple(3, order, null, null, null, -1, -1, 0));
  const empty = reduce(
    global(`${core}.multiarray`, '_reconstruct'),
    global('numpy', 'ndarray'),
    tuple(0),
    new Uint8Array([98]),
  );
  return build(empty, tuple(1, tuple(...shape), type, fortran, bytes));
}

/** What paddle.save writes of a layer's state dict. */
export function pdparams(tensors: ReadonlyMap<string, Tensor>, options: ArrayOptions = {}): Buffer {
  const arrays = [...tensors].map(([name, tensor]): [Pickled, Pickled] => {
    return [name, array(tensor.shape, CODES[tensor.dtype]!, bytesOf(tensor), options)];
  });
  const names = new Map<Pickled, Pickled>([...tensors.keys()].map((name, i) => [name, `parameter_${i}`]));
  return pickle(new Map<Pickled, Pickled>([...arrays, ['StructuredToParameterName@@', names]]), options.protocol ?? 4);
}

/** A state as PaddlePaddle has it: the article's names, no counters, and fc.weight as [in, out]. */
export function asPaddle(state: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  return new Map(
    [...state].flatMap(([name, tensor]): [string, Tensor][] => {
      if (name.endsWith('num_batches_tracked')) return [];
      if (name === 'fc.weight') return [[name, turned(tensor)]];
      return [[name.replace('running_mean', '_mean').replace('running_var', '_variance'), tensor]];
    }),
  );
}

function turned({ data, shape }: Tensor): Tensor {
  const [rows, columns] = shape as [number, number];
  const values = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) values[j * rows + i] = Number(data[i * columns + j]);
  }
  return new Tensor(values, [columns, rows]);
}
