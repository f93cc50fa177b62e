'use strict';
/** npm's install script, and `npm run build:native`: finds or fetches libtorch, then builds the addon against it. */
const { buildAddon } = require('./build-addon');
const { Failure } = require('./failures');
const { cudaHint, findLibtorch } = require('./libtorch/find');
const { platformName } = require('./libtorch/platform');
const { checkTools } = require('./tools');

const log = (line) => console.log(`libtorch-resnet: ${line}`);

function install(env) {
  if (env.LIBTORCH_RESNET_SKIP_INSTALL === '1') {
    log('install postponed (LIBTORCH_RESNET_SKIP_INSTALL=1); later: npm rebuild libtorch-resnet --foreground-scripts');
    return;
  }
  platformName(); // Windows ends here
  checkTools(env);
  const libtorch = findLibtorch({ env, log });
  log(`libtorch ${libtorch.version} in ${libtorch.folder} (${libtorch.way})`);
  buildAddon(libtorch, env);
  const hint = cudaHint(libtorch);
  if (hint !== undefined) log(hint);
}

try {
  install(process.env);
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(`libtorch-resnet: ${error.message}\nWhat to do: ${error.remedy}`);
  process.exitCode = 1;
}
