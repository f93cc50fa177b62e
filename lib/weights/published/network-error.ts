/** What the network did instead of sending a file. Users see it as the reason in an ERR_DOWNLOAD. */
export class NetworkError extends Error {
  /** Whether asking again may help. */
  readonly transient: boolean;

  constructor(message: string, options: ErrorOptions & { transient?: boolean } = {}) {
    super(message, options);
    this.transient = options.transient ?? false;
  }
}

/** Connections that were there and broke. */
const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED']);

/** Any error of a connection as a NetworkError. */
export function networkError(error: unknown): NetworkError {
  if (error instanceof NetworkError) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  // Where several addresses of a host were tried, only the errors within say something.
  const [first] = error instanceof AggregateError ? (error.errors as Error[]) : [];
  const text = message === 'aborted' ? 'the connection broke off' : first?.message || message || code;
  return new NetworkError(text, { transient: BROKEN.has(code), cause: error });
}
