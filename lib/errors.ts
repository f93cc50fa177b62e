/**
 * Every error that this package throws on purpose: one class, one stable `code` each.
 * A code's line here is its documentation; the table in docs/errors.md is written from it.
 */
export const ERROR_CODES = {
  ERR_ABORTED: 'The work was canceled natively; callers see their own AbortSignal reason instead.',
  ERR_ADDON_MISSING: 'The native addon is not built or cannot be loaded.',
  ERR_API_KEY: 'The server requires an API key, and the request has none or a wrong one.',
  ERR_ARGUMENT: 'An argument has the wrong type or lies outside its range.',
  ERR_BUSY: 'The module cannot change while forwards are in flight or a trainer has it.',
  ERR_CALIBRATION: 'int8 has no calibration, or one that does not fit the network.',
  ERR_CHECKPOINT: 'A checkpoint cannot be used: it is damaged, or something else.',
  ERR_CHECKPOINT_MISMATCH: 'A checkpoint is of another network, data or options.',
  ERR_CUDA_DRIVER: 'CUDA was requested, but there is no working NVIDIA driver or device.',
  ERR_CUDA_INDEX: 'CUDA was requested with a device index that does not exist.',
  ERR_CUDA_LIBRARY: 'CUDA was requested, but one of its libraries cannot be loaded.',
  ERR_CUDA_VARIANT: 'CUDA was requested, but the libtorch in use has no CUDA part.',
  ERR_DEPENDENCY: 'A package that this feature needs is not installed, or cannot be loaded.',
  ERR_DEVICE: 'A device name is malformed, or the device cannot do what was requested.',
  ERR_DISPOSED: 'The module was disposed of.',
  ERR_DIVERGED: 'The loss or a gradient is not finite any more; the step was not made.',
  ERR_DOWNLOAD: 'Published weights cannot be downloaded, or the file is not the published one.',
  ERR_DTYPE: 'A dtype is unknown, missing where it is required, or not accepted here.',
  ERR_FILE: 'A file cannot be read or written.',
  ERR_IMAGE: 'A picture cannot be decoded, or exceeds the pixel limit.',
  ERR_INTERNAL: 'The server failed unexpectedly; its log says why.',
  ERR_JOB: 'A task of a job ended every process that worked on it.',
  ERR_JOB_MISMATCH: 'A job of this name exists with another list, other options or another output.',
  ERR_MEDIA_TYPE: 'The server does not accept a body of this type or encoding.',
  ERR_NATIVE: 'libtorch reported an error.',
  ERR_NOT_FINITE: 'Values are NaN or infinite where finite ones are required.',
  ERR_NOT_FOUND: 'The server has no such path, model or version.',
  ERR_OUT_OF_MEMORY: 'An allocation failed.',
  ERR_QUEUE_FULL: "The server's queue is full; try again later.",
  ERR_RATE_LIMIT: 'The API key has used up its requests for now.',
  ERR_REDIS: 'Redis cannot be reached, or refuses a command of the job.',
  ERR_REQUEST: 'The request to a server is malformed.',
  ERR_SERVER: 'The server cannot be reached, or its response is not what was expected.',
  ERR_SHAPE: 'A shape is malformed or does not fit.',
  ERR_STOPPING: 'The server is stopping and accepts no new work.',
  ERR_TIMEOUT: 'The deadline passed before the answer was ready.',
  ERR_TOO_LARGE: 'The request is larger than the server accepts.',
  ERR_UNSUPPORTED_DTYPE: 'The dtype is valid, but not supported here.',
  ERR_UNSUPPORTED_FORMAT: 'The file has a format that cannot be read.',
  ERR_UNSUPPORTED_LAYERS: 'The depth is not one of 18, 34, 50, 101 and 152.',
  ERR_UNSUPPORTED_MODEL: 'The weights are of a network other than a plain ResNet.',
  ERR_WEIGHTS_FORMAT: 'A weight file breaks the rules of its format.',
  ERR_WEIGHTS_GLOBAL: 'A weight file names Python code, or objects instead of a state dict; nothing was run.',
  ERR_WEIGHTS_MISMATCH: 'Weights do not fit the network: missing, unexpected or misshapen tensors.',
} as const;

/** A stable name for what went wrong; see {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** The one family of errors. `code` is stable, `message` is for people. */
export class ResNetError extends Error {
  override readonly name = 'ResNetError';
  readonly code: ErrorCode;

  /**
   * `options.cause` is the error behind this one. A message never repeats much of the caller's data: words longer than
   * 300 characters, and messages longer than 8,192, lose their middle.
   */
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(bounded(message), options);
    this.code = code;
  }
}

/**
 * The error for a bad argument: its name, what was expected, what was passed.
 *
 * @param argument - the argument's name as the caller wrote it, e.g. `numClasses`
 * @param expected - what it must be, e.g. `a positive integer`
 * @param got - the value that was passed
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

/** Longer than the paths and names of real life, in characters. */
const MAX_WORD = 300;
const MAX_MESSAGE = 8192;
const LONG_WORD = new RegExp(`\\S{${MAX_WORD + 1},}`, 'g');

/** A text of at most `max` characters, with `…` for what was cut out of its middle. */
export function shorten(text: string, max: number): string {
  if (text.length <= max) return text;
  const tail = Math.floor(max / 4);
  return `${text.slice(0, max - tail - 1)}…${text.slice(text.length - tail)}`;
}

/**
 * Why a system call or a library failed, on one line. Leaves out the path that Node appends (`, open '…'`), because our
 * messages name it already.
 */
export function reasonOf(error: unknown): string {
  const { message, path } = (error ?? {}) as { message?: unknown; path?: unknown };
  const text = typeof message === 'string' ? message : String(error);
  const at = typeof path === 'string' ? text.lastIndexOf(`'${path}'`) : -1;
  const [line = ''] = (at < 0 ? text : text.slice(0, at).replace(/, \w+ $/, '')).split('\n');
  return shorten(line, MAX_LINE);
}

/** Characters of the caller's data in a message. */
const MAX_LINE = 200;

/** Formats any value for a message: as it would be written in code, at most a line. Never throws. */
export function inspect(value: unknown): string {
  return shorten(inspectValue(value), MAX_LINE);
}

function inspectValue(value: unknown): string {
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
      const head = value
        .slice(0, 8)
        .map((item) => (Array.isArray(item) ? 'an array' : shorten(inspectValue(item), 40)));
      return `[${head.join(', ')}${value.length > 8 ? `, … ${value.length} in all` : ''}]`;
    }
    const name: unknown = value.constructor?.name;
    return typeof name === 'string' && name !== 'Object' && name !== '' ? `an instance of ${name}` : 'an object';
  } catch {
    return 'an object'; // a proxy or a getter that throws must not replace the real error
  }
}

/** A text of others as a message may hold it: without the middle of what is longer than any path or sentence. */
export function bounded(message: string): string {
  return shorten(
    message.replace(LONG_WORD, (word) => shorten(word, MAX_WORD)),
    MAX_MESSAGE,
  );
}
