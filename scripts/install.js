'use strict';
/** npm's install script, and `npm run build:native`: finds or fetches libtorch, then builds the addon against it. */
const { checkAll } = require('./failures');
const { checkNode } = require('./node-version');

const log = (line) => console.log(`libtorch-resnet: ${line}`);

function install(env) {
  if (env.LIBTORCH_RESNET_SKIP_INSTALL === '1') {
    log('install postponed (LIBTORCH_RESNET_SKIP_INSTALL=1); later: npm rebuild libtorch-resnet --foreground-scripts');
    return;
  }
  checkNode();
  // Loaded after the check, because old versions of Node cannot parse these files.
  const { buildAddon, checkAddon } = require('./build-addon');
  const { checkPython, cudaHint, findLibtorch } = require('./libtorch/find');
  const { platformName } = require('./libtorch/platform');
  const { checkCMake, checkCompiler, checkMake } = require('./tools');

  platformName(); // fails on Windows
  checkAll([checkCompiler, checkCMake, checkMake, checkPython], env);
  const libtorch = findLibtorch({ env, log });
  log(`libtorch ${libtorch.version} in ${libtorch.folder} (${libtorch.way})`);
  buildAddon(libtorch, env);
  checkAddon(libtorch, env);
  log('the addon is built, and loads');
  const hint = cudaHint(libtorch);
  if (hint !== undefined) log(hint);
}

try {
  install(process.env);
} catch (error) {
  if (error.report === undefined) throw error;
  console.error(error.report());
  process.exitCode = 1;
}
