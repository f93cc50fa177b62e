import type { FastifyInstance, FastifyRequest } from 'fastify';
import { inspect, ResNetError } from '../../errors';
import { HttpError } from './error-response';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** How to call it, for those who send another method: one sentence. */
    usage?: string;
  }
}

interface KnownPath {
  readable: string;
  pattern: RegExp;
  methods: Set<string>;
  usage: string | undefined;
}

/**
 * Answers requests that no route takes: 405 with `Allow` and how to call the path if it is known with another method, else
 * 404 with what there is. To be called before the routes are added.
 */
export function answerUnknownPaths(app: FastifyInstance): void {
  const paths = new Map<string, KnownPath>();
  app.addHook('onRoute', ({ url, method, config }) => {
    if (url.includes('*')) return; // CORS
    let path = paths.get(url);
    if (path === undefined) {
      path = { readable: readablePath(url), pattern: patternOf(url), methods: new Set(), usage: config?.usage };
      paths.set(url, path);
    }
    for (const each of [method].flat()) path.methods.add(each);
  });
  // Before the body is read.
  app.addHook('onRequest', (request, _, done) => {
    if (request.is404) throw refuse(request, [...paths.values()]);
    done();
  });
  app.setNotFoundHandler((request) => {
    throw refuse(request, [...paths.values()]);
  });
}

function refuse({ method, url }: FastifyRequest, paths: readonly KnownPath[]): ResNetError {
  const [requested = ''] = url.split('?');
  const known = paths.find(({ pattern }) => pattern.test(requested));
  if (known === undefined) {
    const list = paths
      .filter(({ readable }) => !UNLISTED.test(readable))
      .map(({ methods, readable }) => {
        return `${methods.has('POST') ? 'POST' : 'GET'} ${readable}`;
      });
    return new ResNetError('ERR_NOT_FOUND', `There is no ${inspect(requested)} here. There are: ${list.join(', ')}.`);
  }
  const allow = [...known.methods].join(', ');
  const usage = known.usage === undefined ? '' : ` ${known.usage}`;
  return new HttpError('ERR_REQUEST', `${known.readable} takes ${allow}, but got ${method}.${usage}`, {
    status: 405,
    headers: { Allow: allow },
  });
}

/** Parts of the page, and paths that others include. */
const UNLISTED = /\.(css|js)$|\/versions\//;

/** A route's path as people write it: `/v1/models/:model(…)::predict` as `/v1/models/MODEL:predict`. */
export function readablePath(url: string): string {
  return url.replace(PARAMETER, (_, name: string) => name.toUpperCase()).replace(/::/g, ':');
}

const PARAMETER = /(?<!:):(\w+)(\([^)]*\))?/g;

/** Matches the paths of a route, with a trailing slash or without. */
function patternOf(url: string): RegExp {
  const path = readablePath(url.replace(PARAMETER, '\0'));
  const escaped = path.replace(/\/$/, '').replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('\0', '[^/:]+')}/?$`);
}
