import type { FastifyReply } from 'fastify';

/**
 * Calls back once, when an answer is sent or nobody is left to get it.
 *
 * @returns what takes the call back
 */
export function whenOver({ raw: answer, request }: FastifyReply, callBack: () => void): () => void {
  const { socket } = request.raw;
  const forget = (): void => {
    answer.off('close', over);
    socket.off('close', over);
  };
  const over = (): void => {
    forget();
    callBack();
  };
  answer.once('close', over);
  // An answer that waits for another one's turn on its connection is not told when that connection goes.
  socket.setMaxListeners(0).once('close', over);
  return forget;
}
