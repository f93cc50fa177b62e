import { ResNetError, type ErrorCode } from '../errors';

/** What a client is answered: never a stack, never a path. */
export interface Refusal {
  status: number;
  body: { error: string; code: ErrorCode };
  /** Seconds after which it is worth trying again. */
  retryAfter?: number;
}

/** The errors whose message is meant for the client. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  ERR_REQUEST: 400,
  ERR_ARGUMENT: 400,
  ERR_DTYPE: 400,
  ERR_IMAGE: 400,
  ERR_SHAPE: 400,
  ERR_API_KEY: 401,
  ERR_NOT_FOUND: 404,
  ERR_TOO_LARGE: 413,
  ERR_MEDIA_TYPE: 415,
  ERR_RATE_LIMIT: 429,
  ERR_ABORTED: 499, // for the log: the client is gone
  ERR_QUEUE_FULL: 503,
  ERR_STOPPING: 503,
  ERR_TIMEOUT: 504,
};

/** The codes for what Fastify finds wrong with a request before it reaches us. */
const OF_FASTIFY: Record<number, ErrorCode> = { 404: 'ERR_NOT_FOUND', 413: 'ERR_TOO_LARGE', 415: 'ERR_MEDIA_TYPE' };

/** A request that is malformed. */
export function badRequest(message: string): ResNetError {
  return new ResNetError('ERR_REQUEST', message);
}

/** An error with the time after which it may be over. */
export class RetryableError extends ResNetError {
  readonly retryAfter: number;

  constructor(code: ErrorCode, message: string, retryAfter: number) {
    super(code, message);
    this.retryAfter = retryAfter;
  }
}

/** What to answer for `error`. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof ResNetError) {
    const status = STATUS[error.code];
    if (status !== undefined) {
      const wait = error instanceof RetryableError ? error.retryAfter : 1;
      const body = { error: error.message, code: error.code };
      return status === 503 || status === 429 ? { status, body, retryAfter: wait } : { status, body };
    }
    if (error.code === 'ERR_OUT_OF_MEMORY') {
      return { status: 503, body: { error: 'The server is out of memory.', code: error.code }, retryAfter: 1 };
    }
  }
  const { statusCode, message } = error as { statusCode?: unknown; message?: unknown };
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 && typeof message === 'string') {
    return { status: statusCode, body: { error: message, code: OF_FASTIFY[statusCode] ?? 'ERR_REQUEST' } };
  }
  return { status: 500, body: { error: 'The server failed; its log tells how.', code: 'ERR_INTERNAL' } };
}
