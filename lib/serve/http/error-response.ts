import { ERROR_CODES, ResNetError, type ErrorCode } from '../../errors';
import { integer, jsonContent, object, ref, string, type Json } from '../openapi-schema';

/** The body of every error response. */
export interface ErrorBody {
  error: string;
  code: ErrorCode;
}

/** How an error is answered: never with a stack or a path of the server's. */
export interface ErrorResponse {
  status: number;
  body: ErrorBody;
  headers: Readonly<Record<string, string>>;
}

/** The errors whose messages are meant for the client. */
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
  ERR_ABORTED: 499, // only logged: the client is gone
  ERR_NOT_FINITE: 500,
  ERR_QUEUE_FULL: 503,
  ERR_STOPPING: 503,
  ERR_TIMEOUT: 504,
};

/** Codes for what Fastify rejects before a route sees it, by status. */
const FASTIFY_CODES: Record<number, ErrorCode> = {
  404: 'ERR_NOT_FOUND',
  413: 'ERR_TOO_LARGE',
  415: 'ERR_MEDIA_TYPE',
};

/** The error of a malformed request. */
export function badRequest(message: string): ResNetError {
  return new ResNetError('ERR_REQUEST', message);
}

/** An error whose response has headers of its own, or another status than its code has by default. */
export class HttpError extends ResNetError {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    message: string,
    { status, headers }: { status?: number; headers: Readonly<Record<string, string>> },
  ) {
    super(code, message);
    this.status = status;
    this.headers = headers;
  }
}

/** The response to a request that failed with `error`. */
export function errorResponseOf(error: unknown): ErrorResponse {
  if (error instanceof ResNetError) {
    const { status = STATUS[error.code], headers = {} } = error instanceof HttpError ? error : {};
    if (status !== undefined) {
      const body = { error: error.message, code: error.code };
      return { status, body, headers: { ...DEFAULT_HEADERS[status], ...headers } };
    }
    if (error.code === 'ERR_OUT_OF_MEMORY') {
      const body = { error: 'The server is out of memory.', code: error.code };
      return { status: 503, body, headers: DEFAULT_HEADERS[503] ?? {} };
    }
  }
  const { statusCode, message } = error as { statusCode?: unknown; message?: unknown };
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 && typeof message === 'string') {
    const body = { error: message, code: FASTIFY_CODES[statusCode] ?? 'ERR_REQUEST' };
    return { status: statusCode, body, headers: {} };
  }
  return { status: 500, body: { error: 'The server failed; its log tells how.', code: 'ERR_INTERNAL' }, headers: {} };
}

/** Headers of every response of a status. */
const DEFAULT_HEADERS: Record<number, Readonly<Record<string, string>>> = {
  401: { 'WWW-Authenticate': 'Bearer' },
  503: { 'Retry-After': '1' },
};

const DESCRIPTIONS: Record<number, string> = {
  400: 'The request is malformed, or its picture cannot be read',
  401: 'An API key is needed',
  404: 'There is no such path, model or version',
  413: 'The request is too large',
  415: 'This type of body is not taken',
  429: 'This key has used up its requests for now',
  500: 'The server failed',
  503: 'The queue is full, or the server is stopping: try again later',
  504: 'The deadline passed',
};

export const errorSchemas: Json = {
  Refusal: object<ErrorBody>({ error: string, code: { enum: Object.keys(ERROR_CODES) } }),
};

/** The OpenAPI components that {@link errors} refers to. */
export const errorResponses: Json = Object.fromEntries(
  Object.entries(DESCRIPTIONS).map(([status, description]) => {
    const retryAfter = { 'Retry-After': { description: 'seconds', schema: integer } };
    const headers = status === '429' || status === '503' ? { headers: retryAfter } : {};
    return [`Refused${status}`, { description, ...headers, content: jsonContent(ref('Refusal')) }];
  }),
);

/** OpenAPI's error responses of a route. */
export const errors = (...statuses: number[]): Json =>
  Object.fromEntries(statuses.map((status) => [status, { $ref: `#/components/responses/Refused${status}` }]));

/** Those of every route that runs a network. */
export const inferenceErrors = errors(400, 401, 404, 413, 415, 429, 500, 503, 504);
