import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';
import { ResNetError } from '../../errors';
import { integer, type Json } from '../openapi-schema';
import type { Limits } from '../options';
import { badRequest } from './error-response';
import { onReplyEnd } from './reply-end';

/**
 * Runs `work` with a signal that aborts when the client disconnects or the deadline passes.
 *
 * @param receivedAt - when the request came, by performance.now()
 * @param timeoutMs - how long after that the deadline is
 */
export async function withDeadline<T>(
  reply: FastifyReply,
  receivedAt: number,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const disconnected = (): void => controller.abort(new ResNetError('ERR_ABORTED', 'The client went away.'));
  const timedOut = (): void =>
    controller.abort(new ResNetError('ERR_TIMEOUT', `The answer was not there within ${Math.ceil(timeoutMs)} ms.`));
  const removeListener = onReplyEnd(reply, disconnected);
  if (reply.raw.destroyed || reply.request.raw.socket.destroyed) disconnected(); // before the listener was added
  const timer = setTimeout(timedOut, Math.max(0, receivedAt + timeoutMs - performance.now()));
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    removeListener();
  }
}

/** The header X-Request-Timeout-Ms, at most the server's own limit, which is the default. @throws ERR_REQUEST */
export function timeoutOf(headers: IncomingHttpHeaders, { timeoutMs }: Limits): number {
  const header = headers['x-request-timeout-ms'];
  if (header === undefined) return timeoutMs;
  const value = typeof header === 'string' && /^\d{1,10}$/.test(header) ? Number(header) : 0;
  if (value > 0) return Math.min(value, timeoutMs);
  throw badRequest('X-Request-Timeout-Ms must be a positive integer.');
}

/** {@link timeoutOf}'s header in the OpenAPI document. */
export const timeoutParameter: Json = {
  name: 'X-Request-Timeout-Ms',
  in: 'header',
  description: 'deadline',
  schema: integer,
};
