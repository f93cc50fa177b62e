import type { FastifyInstance, FastifyReply } from 'fastify';
import { ResNetError } from '../errors';
import { timeoutOf, withDeadline } from './deadline';
import type { Inference } from './inference';
import { modelMetadata, serverMetadata } from './oip-metadata';
import { parseInfer } from './oip-request';
import { VERSION, writeInfer } from './oip-response';
import { inferenceOf, isReady, type ServerState } from './state';

interface Named {
  Params: { model: string; version?: string };
}

/** The Open Inference Protocol, version 2. */
export function addOip(app: FastifyInstance, state: ServerState, version: string): void {
  app.get('/v2', () => serverMetadata(version));
  app.get('/v2/health/live', { config: { open: true } }, () => ({ live: true }));
  app.get('/v2/health/ready', { config: { open: true } }, (_, reply) => {
    const ready = isReady(state);
    return reply.code(ready ? 200 : 503).send({ ready });
  });

  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
    app.get<Named>(path, ({ params }) => modelMetadata(served(state, params).model));
    app.get<Named>(`${path}/ready`, ({ params }, reply) => {
      const { ready, model } = served(state, params);
      const answers = ready && !state.stopping;
      return reply.code(answers ? 200 : 503).send({ name: model.name, ready: answers });
    });
    app.post<Named>(
      `${path}/infer`,
      {
        config: { work: true },
        onRequest: ({ params }, _, done) => {
          served(state, params).checkRoom();
          done();
        },
      },
      async ({ params, headers, body, since }, reply: FastifyReply) => {
        const inference = served(state, params);
        const length = headers['inference-header-content-length'];
        const request = parseInfer((body as Buffer | undefined) ?? Buffer.alloc(0), length?.toString(), (pictures) =>
          inference.checkCount(pictures),
        );
        const timeoutMs = Math.min(request.timeoutMs ?? Infinity, timeoutOf(headers, state.limits));
        const { values } = await withDeadline(reply, since, timeoutMs, (signal) =>
          inference.answer('logits', request.given, since, signal),
        );
        const { body: answer, headerLength } = writeInfer(inference.model, request, values);
        if (headerLength === undefined) return reply.type('application/json').send(answer);
        return reply
          .header('Inference-Header-Content-Length', headerLength)
          .type('application/octet-stream')
          .send(answer);
      },
    );
  }
}

/** @throws ERR_NOT_FOUND */
function served(state: ServerState, { model, version }: Named['Params']): Inference {
  const inference = inferenceOf(state, model);
  if (version === undefined || version === VERSION) return inference;
  throw new ResNetError('ERR_NOT_FOUND', `There is no such version of ${inference.model.name}; it has ${VERSION}.`);
}
