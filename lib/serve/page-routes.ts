import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { ServerState } from './state';

// Compiled and copied there; both lib/ (tests) and dist/ (users) lie one level below the package's root.
const FOLDER = join(__dirname, '..', '..', 'dist', 'serve', 'page');

const FILES = {
  'index.html': 'text/html; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
} as const;

/** No request of the page leaves the host, and nothing else may run in it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src blob: data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The page at `/`, and what it tells of the models. */
export function addPage(app: FastifyInstance, state: ServerState): void {
  for (const [file, type] of Object.entries(FILES)) {
    const content = readFileSync(join(FOLDER, file));
    const path = file === 'index.html' ? '/' : `/${file}`;
    app.get(path, { config: { open: true } }, (request, reply) => {
      const [asked = ''] = request.url.split('?');
      // Its paths are relative, for servers below a prefix.
      if (path === '/' && !asked.endsWith('/')) return reply.redirect(`${asked.slice(asked.lastIndexOf('/') + 1)}/`);
      return reply
        .header('Content-Security-Policy', POLICY)
        .header('Referrer-Policy', 'no-referrer')
        .type(type)
        .send(content);
    });
  }
  app.get('/models.json', () =>
    [...state.inferences.values()].map(({ model }) => ({
      name: model.name,
      layers: model.layers,
      dtype: model.dtype,
      device: model.device,
      classes: model.numClasses,
      parameters: model.parameters,
      random: model.random,
      summary: model.summary,
    })),
  );
}
