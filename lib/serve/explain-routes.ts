import type { FastifyInstance } from 'fastify';
import { timeoutOf, withDeadline } from './deadline';
import { oneOf } from './fields';
import { readPictureBody } from './picture-body';
import { badRequest } from './refusal';
import { inferenceOf, type ServerState } from './state';

interface Asked {
  Querystring: { model?: string | string[]; class?: string | string[] };
}

/** `POST /explain`: a picture in, a PNG out that shows where it looks like its likeliest class, or `?class=N`. */
export function addExplain(app: FastifyInstance, state: ServerState): void {
  app.post<Asked>('/explain', { config: { work: true } }, async (request, reply) => {
    const { headers, query, since } = request;
    const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
    const { pictures, model } = await readPictureBody(body, headers['content-type'], state.limits.maxQueueSize);
    const [picture, ...others] = pictures;
    if (picture === undefined || others.length > 0) throw badRequest('One picture is explained at a time.');
    const inference = inferenceOf(state, oneOf(query.model) ?? model);
    const asked = oneOf(query.class);
    const index = asked === undefined ? undefined : Number(asked || NaN);
    const { png, label, score, ...said } = await withDeadline(
      reply,
      since,
      timeoutOf(headers, state.limits),
      (signal) => inference.explain(picture, index, since, signal),
    );
    // What is written on the picture, for programs. A header has no room for other alphabets: labels are encoded.
    return reply
      .type('image/png')
      .header('X-Class-Index', said.index)
      .header('X-Class-Label', encodeURIComponent(label))
      .header('X-Class-Score', score)
      .send(Buffer.from(png));
  });
}
