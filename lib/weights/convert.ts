import { badArgument } from '../errors';
import { toBfloat16, toFloat16 } from '../half';
import { Tensor } from '../tensor';
import { namesIn, WRITTEN_NAMINGS, type WrittenNaming } from './names';

/** Options of {@link ResNet.save}. */
export interface SaveOptions {
  /** The names that the tensors get. Default: 'torchvision', which timm reads as well. */
  naming?: WrittenNaming | undefined;
  /** Of the floating-point values. Default: 'float32'. */
  dtype?: 'float32' | 'float16' | 'bfloat16' | undefined;
  /** Put into the file's header. Default: `{ format: 'pt' }`, which Hugging Face's readers ask for. */
  metadata?: Readonly<Record<string, string>> | undefined;
}

const DTYPES = ['float32', 'float16', 'bfloat16'] as const;

/**
 * A state dict as it goes into a file.
 *
 * @param state - article names, float32 and int64
 */
export function convertState(state: ReadonlyMap<string, Tensor>, options: SaveOptions): Map<string, Tensor> {
  const { naming = 'torchvision', dtype = 'float32' } = options;
  if (!WRITTEN_NAMINGS.includes(naming)) {
    throw badArgument('naming', `one of ${WRITTEN_NAMINGS.join(', ')}`, naming);
  }
  if (!DTYPES.includes(dtype)) throw badArgument('dtype', `one of ${DTYPES.join(', ')}`, dtype, 'ERR_DTYPE');
  const names = namesIn(naming, [...state.keys()]);
  return new Map([...state.values()].map((tensor, i) => [names[i] as string, converted(tensor, dtype)]));
}

function converted(tensor: Tensor, dtype: (typeof DTYPES)[number]): Tensor {
  if (tensor.dtype !== 'float32' || dtype === 'float32') return tensor;
  const values = tensor.data as Float32Array;
  return new Tensor(dtype === 'float16' ? toFloat16(values) : toBfloat16(values), tensor.shape, dtype);
}
