/** A failed request. Users see its message as the reason in an ERR_DOWNLOAD. */
export class NetworkError extends Error {
  /** Whether retrying may help. */
  readonly transient: boolean;

  constructor(message: string, options: ErrorOptions & { transient?: boolean } = {}) {
    super(message, options);
    this.transient = options.transient ?? false;
  }
}

/** Errors of connections that were established and then broke. */
const BROKEN_CONNECTION = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED']);

/** Turns any error of a connection into a NetworkError. */
export function toNetworkError(error: unknown): NetworkError {
  if (error instanceof NetworkError) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  // If several addresses of a host were tried, only the inner errors are informative.
  const [first] = error instanceof AggregateError ? (error.errors as Error[]) : [];
  const text = message === 'aborted' ? 'the connection broke off' : first?.message || message || code;
  return new NetworkError(text, { transient: BROKEN_CONNECTION.has(code), cause: error });
}
