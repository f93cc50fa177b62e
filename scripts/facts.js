'use strict';
/** What `resnet doctor` shows about the install. Changes nothing, and never throws. */
const { ADDON, builtWith } = require('./build-addon');
const { cacheContent, cacheFolder } = require('./libtorch/cache');
const { cudaHint } = require('./libtorch/find');
const { LOCK, readableSize } = require('./libtorch/lock');
const { pipFacts, pythonFacts } = require('./libtorch/python');
const { cmakeVersion, compilerFacts } = require('./tools');

function installFacts(env) {
  const libtorch = builtWith() ?? null;
  const python = pythonFacts(env) ?? null;
  const cache = cacheFolder(env);
  return {
    package: require('../package.json').version,
    wantedLibtorch: LOCK.version,
    libtorch,
    addon: ADDON,
    cache: { folder: cache, content: cacheContent(cache) },
    cmake: cmakeVersion(env) ?? null,
    compiler: compilerFacts(env) ?? null,
    python,
    pip: (python && pipFacts(python, env).version) ?? null,
    cudaHint: (libtorch && cudaHint(libtorch)) ?? null,
  };
}

module.exports = { installFacts, readableSize };
