import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';
import { ResNetError } from '../errors';
import type { Limits } from './options';
import { whenOver } from './over';
import { badRequest } from './refusal';

/** Runs `work` under a signal that speaks when the client is gone or the deadline has passed. */
export async function withDeadline<T>(
  reply: FastifyReply,
  since: number,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const gone = (): void => controller.abort(new ResNetError('ERR_ABORTED', 'The client went away.'));
  const late = (): void =>
    controller.abort(new ResNetError('ERR_TIMEOUT', `The answer was not there within ${Math.ceil(timeoutMs)} ms.`));
  const forget = whenOver(reply, gone);
  if (reply.raw.destroyed || reply.request.raw.socket.destroyed) gone(); // before anybody listened
  const timer = setTimeout(late, Math.max(0, since + timeoutMs - performance.now()));
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    forget();
  }
}

/** The header X-Request-Timeout-Ms, or the longest that a request may take. @throws ERR_REQUEST */
export function timeoutOf(headers: IncomingHttpHeaders, { timeoutMs }: Limits): number {
  const header = headers['x-request-timeout-ms'];
  if (header === undefined) return timeoutMs;
  const value = typeof header === 'string' && /^\d{1,10}$/.test(header) ? Number(header) : 0;
  if (value > 0) return Math.min(value, timeoutMs);
  throw badRequest('X-Request-Timeout-Ms must be a positive integer.');
}
