/**
 * Every error that this package throws on purpose: one class, one stable `code` each.
 * A code's line here is its whole documentation; the README's table is tested against it.
 */
export const ERROR_CODES = {
  ERR_ABORTED: 'The work was canceled natively; callers see their own AbortSignal reason instead.',
  ERR_ADDON_MISSING: 'The native addon is not built or cannot be loaded.',
  ERR_API_KEY: 'A server asks for an API key, and none or a wrong one came.',
  ERR_ARGUMENT: 'An argument has the wrong type or lies outside its range.',
  ERR_BUSY: 'The module cannot change, or be read in train mode, while forwards are in flight.',
  ERR_CALIBRATION: 'int8 has no calibration, or one that does not fit the network.',
  ERR_CUDA_DRIVER: 'CUDA was asked for and no working NVIDIA driver or device is there.',
  ERR_CUDA_INDEX: 'CUDA was asked for with a device index that does not exist.',
  ERR_CUDA_LIBRARY: 'CUDA was asked for and one of its libraries cannot be loaded.',
  ERR_CUDA_VARIANT: 'CUDA was asked for and the libtorch in use has no CUDA part.',
  ERR_DEPENDENCY: 'An optional package that this needs is not installed.',
  ERR_DEVICE: 'A device name is malformed, or the device cannot do what was asked.',
  ERR_DISPOSED: 'The module was disposed of.',
  ERR_DOWNLOAD: 'Weights that have a name cannot be fetched, or are not those that were published.',
  ERR_DTYPE: 'A dtype is unknown, not named where it must be, or not taken here.',
  ERR_FILE: 'A file cannot be read or written.',
  ERR_IMAGE: 'A picture cannot be decoded, or exceeds the pixel limit.',
  ERR_INTERNAL: 'A server failed in a way of its own; its log tells how.',
  ERR_JOB: 'A part of a job ended every process that took it.',
  ERR_JOB_MISMATCH: 'A job of this name has another list, other options or another output.',
  ERR_MEDIA_TYPE: 'A server does not take this type or encoding of body.',
  ERR_NATIVE: 'libtorch reported an error of its own.',
  ERR_NOT_FOUND: 'A server has no such path, model or version.',
  ERR_OUT_OF_MEMORY: 'An allocation failed.',
  ERR_QUEUE_FULL: 'A server has as many pictures waiting as it takes; try again later.',
  ERR_RATE_LIMIT: 'An API key has used up its requests for now.',
  ERR_REDIS: 'Redis cannot be reached, or refuses what a job asks of it.',
  ERR_REQUEST: 'A request to a server is malformed.',
  ERR_SERVER: 'A server cannot be reached, or answers something else than it should.',
  ERR_SHAPE: 'A shape is malformed or does not fit.',
  ERR_STOPPING: 'A server is about to stop and takes no new work.',
  ERR_TIMEOUT: 'A deadline passed before the answer was there.',
  ERR_TOO_LARGE: 'A request is larger than a server takes.',
  ERR_UNSUPPORTED_DTYPE: 'A dtype is known and not supported here.',
  ERR_UNSUPPORTED_FORMAT: 'A file has a format that is not read.',
  ERR_UNSUPPORTED_LAYERS: 'The depth is not one of 18, 34, 50, 101 and 152.',
  ERR_UNSUPPORTED_MODEL: 'The weights are of a network other than a plain ResNet.',
  ERR_WEIGHTS_FORMAT: 'A weight file breaks the rules of its format.',
  ERR_WEIGHTS_GLOBAL: 'A weight file names code that no state dict needs; nothing of it was run.',
  ERR_WEIGHTS_MISMATCH: 'Weights do not fit the network: missing, unexpected or misshapen tensors.',
} as const;

/** A stable name for what went wrong; see {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** The one family of errors. `code` is stable, `message` is for people. */
export class ResNetError extends Error {
  override readonly name = 'ResNetError';
  readonly code: ErrorCode;

  /** `options.cause` is the error behind this one. */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * A bad argument, in one shape everywhere: its name, what was expected, what came.
 *
 * @param argument - the argument's name as the caller wrote it, e.g. `numClasses`
 * @param expected - what it must be, e.g. `a positive integer`
 * @param got - the value that came
 * @param code - `ERR_ARGUMENT` unless a narrower one fits
 */
export function badArgument(
  argument: string,
  expected: string,
  got: unknown,
  code: ErrorCode = 'ERR_ARGUMENT',
): ResNetError {
  return new ResNetError(code, `${argument} must be ${expected}, but got ${inspect(got)}.`);
}

/** A value as one would write it, short enough for a message, whatever it is. */
export function inspect(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > 80 ? `${JSON.stringify(value.slice(0, 77))}…` : JSON.stringify(value);
    case 'bigint':
      return `${value}n`;
    case 'function':
      return 'a function';
    case 'object':
      return inspectObject(value);
    default:
      return String(value);
  }
}

function inspectObject(value: object | null): string {
  if (value === null) return 'null';
  try {
    if (Array.isArray(value)) {
      const head = value.slice(0, 8).map((item) => (Array.isArray(item) ? 'an array' : inspect(item)));
      return `[${head.join(', ')}${value.length > 8 ? `, … ${value.length} in all` : ''}]`;
    }
    const name: unknown = value.constructor?.name;
    return typeof name === 'string' && name !== 'Object' && name !== '' ? `an instance of ${name}` : 'an object';
  } catch {
    return 'an object'; // a proxy or a getter that throws must not replace the real error
  }
}
