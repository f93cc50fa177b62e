import { badArgument } from '../errors';
import { toBfloat16, toFloat16 } from '../half';
import { Tensor } from '../tensor';
import { namesIn, WRITTEN_NAMINGS, type WrittenNaming } from './names/namings';

export const WRITTEN_DTYPES = ['float32', 'float16', 'bfloat16'] as const;
export type WrittenDType = (typeof WRITTEN_DTYPES)[number];

/** Options of {@link ResNet.save}. */
export interface SaveOptions {
  /** The naming to write. Default: 'torchvision', which timm reads as well. */
  naming?: WrittenNaming | undefined;
  /** The dtype of the floating-point values. Default: 'float32'. */
  dtype?: WrittenDType | undefined;
  /** Metadata of the file. Default: `{ format: 'pt' }`, which Hugging Face's readers require. */
  metadata?: Readonly<Record<string, string>> | undefined;
}

/**
 * Renames and converts a state dict for a file.
 *
 * @param state - with the article's names; counters are never converted
 * @throws ERR_ARGUMENT, ERR_DTYPE
 */
export function convertState(state: ReadonlyMap<string, Tensor>, options: SaveOptions): Map<string, Tensor> {
  const { naming = 'torchvision', dtype } = options;
  if (!WRITTEN_NAMINGS.includes(naming)) {
    throw badArgument('naming', `one of ${WRITTEN_NAMINGS.join(', ')}`, naming);
  }
  if (dtype !== undefined && !WRITTEN_DTYPES.includes(dtype)) {
    throw badArgument('dtype', `one of ${WRITTEN_DTYPES.join(', ')}`, dtype, 'ERR_DTYPE');
  }
  const names = namesIn(naming, [...state.keys()]);
  return new Map([...state].map(([name, tensor], i) => [names[i] as string, convert(name, tensor, dtype)]));
}

function convert(name: string, tensor: Tensor, dtype: WrittenDType | undefined): Tensor {
  if (dtype === undefined || dtype === tensor.dtype || name.endsWith('.num_batches_tracked')) return tensor;
  const values = tensor.toFloat32();
  if (dtype === 'float32') return new Tensor(values, tensor.shape);
  return new Tensor(dtype === 'float16' ? toFloat16(values) : toBfloat16(values), tensor.shape, dtype);
}

/** @throws ERR_ARGUMENT */
export function checkMetadata(metadata: unknown): void {
  const strings =
    typeof metadata === 'object' &&
    metadata !== null &&
    Object.values(metadata).every((value) => typeof value === 'string');
  if (!strings) throw badArgument('metadata', 'an object of strings', metadata);
}
