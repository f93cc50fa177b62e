import { badArgument } from '../errors';
import { checkTensor, elementCount } from '../tensor';
import type { NativeTensor } from './addon';
import { toNativeTensor } from './tensors';

const FLOATS = ['float32', 'float64', 'float16', 'bfloat16'];

/** More than any machine's memory; the addon has the same limit. */
const MAX_ELEMENTS = 2 ** 40;

/**
 * A network's input, checked.
 *
 * @param pictures - whether uint8 [N, H, W, 3] is accepted besides floats [N, channels, H, W]
 * @throws ERR_ARGUMENT, ERR_DTYPE, ERR_SHAPE
 */
export function toNativeInput(value: unknown, channels: number, argument = 'x', pictures = false): NativeTensor {
  const x = checkTensor(value, argument);
  const dtypes = pictures ? [...FLOATS, 'uint8'] : FLOATS;
  if (!dtypes.includes(x.dtype)) throw badArgument(argument, `of dtype ${dtypes.join(', ')}`, x.dtype, 'ERR_DTYPE');
  if (x.dtype !== 'uint8') {
    checkInputShape(x.shape, channels, argument);
  } else if (x.shape.length !== 4 || x.shape[3] !== 3 || x.shape.includes(0)) {
    throw badArgument(argument, 'of shape [N, H, W, 3] with positive N, H and W', x.shape, 'ERR_SHAPE');
  }
  return toNativeTensor(x);
}

/** @throws ERR_SHAPE */
export function checkInputShape(shape: readonly number[], channels: number, argument: string): void {
  const elements = elementCount(shape, argument);
  if (shape.length !== 4 || shape[1] !== channels || elements === 0 || elements > MAX_ELEMENTS) {
    throw badArgument(argument, `of shape [N, ${channels}, H, W] with positive N, H and W`, shape, 'ERR_SHAPE');
  }
}
