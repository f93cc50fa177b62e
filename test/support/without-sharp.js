'use strict';
// Preloaded with `node -r`: sharp without its platform's binary, as after an install with --omit=optional.
const Module = require('node:module');

const load = Module._load;
Module._load = (request, ...rest) => {
  if (!/^@img\/sharp-|sharp-.*\.node$/.test(request)) return load(request, ...rest);
  throw Object.assign(new Error(`Cannot find module '${request}'`), { code: 'MODULE_NOT_FOUND' });
};
