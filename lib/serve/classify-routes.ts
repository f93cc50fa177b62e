import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ClassifyAnswer, FeaturesAnswer, ServedPrediction, Times } from '../client/answers';
import { best, softmax } from '../image/scores';
import { timeoutOf, withDeadline } from './deadline';
import { integerOf, oneOf } from './fields';
import type { Model } from './model';
import { readPictureBody } from './picture-body';
import { inferenceOf, type ServerState } from './state';

interface Asked {
  Querystring: { model?: string | string[]; top?: string | string[] };
}

/** Routes for people. */
export function addClassify(app: FastifyInstance, state: ServerState): void {
  const options = {
    config: { work: true },
    onRequest: ({ query }: FastifyRequest<Asked>, _: FastifyReply, done: () => void) => {
      // A body may name another model; where there is only one, a full queue is known now.
      if (query.model !== undefined || state.inferences.size === 1) inferenceOf(state, oneOf(query.model)).checkRoom();
      done();
    },
  };

  app.post<Asked>('/classify', options, async (request, reply): Promise<ClassifyAnswer> => {
    const { model, names, top, values, times } = await answer('logits', request, reply, state);
    return {
      model: model.name,
      results: values.map((row, i) => ({ name: names[i] ?? '', predictions: name(row, model, top) })),
      times,
    };
  });

  app.post<Asked>('/features', options, async (request, reply): Promise<FeaturesAnswer> => {
    const { model, names, values, times } = await answer('features', request, reply, state);
    return {
      model: model.name,
      results: values.map((row, i) => ({ name: names[i] ?? '', features: [...row] })),
      times,
    };
  });
}

async function answer(
  what: 'logits' | 'features',
  request: FastifyRequest<Asked>,
  reply: FastifyReply,
  state: ServerState,
): Promise<{ model: Model; names: string[]; top: number; values: readonly Float32Array[]; times: Times }> {
  const { headers, query, since } = request;
  const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
  const { pictures, names, ...said } = await readPictureBody(body, headers['content-type'], state.limits.maxQueueSize);
  const inference = inferenceOf(state, oneOf(query.model) ?? said.model);
  const { model } = inference;
  const { numClasses } = model;
  const asked = query.top === undefined ? said.top : Number(oneOf(query.top) || NaN);
  const top = integerOf(asked ?? Math.min(5, numClasses), 'top', 1, numClasses);
  const { values, times } = await withDeadline(reply, since, timeoutOf(headers, state.limits), (signal) =>
    inference.answer(what, { pictures, names }, since, signal),
  );
  return { model, names, top, values, times };
}

function name(logits: Float32Array, { labels }: Model, top: number): ServedPrediction[] {
  const scores = softmax(logits);
  return best(scores, top).map((index) => ({ label: labels[index] ?? '', index, score: scores[index] ?? 0 }));
}
