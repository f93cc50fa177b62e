import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { ServerState } from '../state';
import type { ModelCard } from './model-card';

// Where the build puts the compiled page. lib/serve/routes (in tests) and dist/serve/routes are equally deep.
const FOLDER = join(__dirname, '..', '..', '..', 'dist', 'serve', 'page');

const FILES = {
  'index.html': 'text/html; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
} as const;

/** The page may load nothing from other hosts and run no script but its own. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src blob: data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The page at `/`, and the models that it offers. */
export function addPage(app: FastifyInstance, state: ServerState): void {
  for (const [file, type] of Object.entries(FILES)) {
    const content = readFileSync(join(FOLDER, file));
    const path = file === 'index.html' ? '/' : `/${file}`;
    app.get(path, { config: { public: true } }, (request, reply) => {
      const [requested = ''] = request.url.split('?');
      // The page's URLs are relative so that a prefix works; they need the trailing slash.
      if (path === '/' && !requested.endsWith('/')) {
        return reply.redirect(`${requested.slice(requested.lastIndexOf('/') + 1)}/`);
      }
      return reply
        .header('Content-Security-Policy', CONTENT_SECURITY_POLICY)
        .header('Referrer-Policy', 'no-referrer')
        .type(type)
        .send(content);
    });
  }
  app.get('/models.json', (): ModelCard[] =>
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
