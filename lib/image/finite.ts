import { ResNetError } from '../errors';

/**
 * Checks what a network made of one picture. 8-bit pixels always lead to finite values, unless the weights are broken.
 *
 * @param argument - what an error calls the picture
 * @param picture - which one it is, e.g. its path
 * @throws ERR_NOT_FINITE
 */
export function checkFinite(values: ArrayLike<number>, argument: string, picture: string): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    throw new ResNetError(
      'ERR_NOT_FINITE',
      `${argument} must lead to finite values, but the network made ${values[i]} of ${picture}; its weights may be broken.`,
    );
  }
}
