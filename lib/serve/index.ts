export { createServer } from './server';
export { resnetPlugin } from './plugin';
export type { ModelOptions, ServeOptions, ServerOptions } from './options';
