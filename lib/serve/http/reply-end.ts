import type { FastifyReply } from 'fastify';

/**
 * Calls back once, when the response has been sent or the client is gone.
 *
 * @returns a function that removes the callback
 */
export function onReplyEnd({ raw: response, request }: FastifyReply, callback: () => void): () => void {
  const { socket } = request.raw;
  const remove = (): void => {
    response.off('close', end);
    socket.off('close', end);
  };
  const end = (): void => {
    remove();
    callback();
  };
  response.once('close', end);
  // A pipelined response that waits for an earlier one gets no event when their connection closes.
  socket.setMaxListeners(0).once('close', end);
  return remove;
}
