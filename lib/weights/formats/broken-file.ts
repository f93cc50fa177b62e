import { ResNetError } from '../../errors';

/**
 * A file that breaks the rules of its format.
 *
 * @param kind - what it is no valid one of, e.g. `safetensors file`
 * @param what - the rule that it breaks, as what the file does: `ends early`
 */
export function brokenFile(path: string, kind: string, what: string): ResNetError {
  return new ResNetError('ERR_WEIGHTS_FORMAT', `${path} is no valid ${kind}: it ${what}.`);
}
