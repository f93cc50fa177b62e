import { ResNetError } from '../../errors';

/**
 * The error for a file that breaks the rules of its format.
 *
 * @param kind - the format, e.g. `safetensors file`
 * @param problem - the rule that it breaks, as a predicate: `ends early`
 */
export function malformedFile(path: string, kind: string, problem: string): ResNetError {
  return malformed(path, `is not a valid ${kind}: it ${problem}`);
}

/** The ERR_WEIGHTS_FORMAT of a file, with the rest of its sentence: `PATH must …`. */
export function malformed(path: string, problem: string, cause?: unknown): ResNetError {
  return new ResNetError('ERR_WEIGHTS_FORMAT', `${path} ${problem}.`, { cause });
}
