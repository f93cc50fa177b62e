'use strict';
/**
 * Builds native/test, and the addon if requested: `native` in the addon's build folder, whose library it shares; `asan`
 * and `tsan` each in its own folder, with a sanitizer.
 */
const { execFileSync, spawnSync } = require('node:child_process');
const path = require('node:path');
const { ROOT, buildAddon } = require('./build-addon');
const { Failure } = require('./failures');
const { findLibtorch } = require('./libtorch/find');
const { compilerFacts } = require('./tools');

const KINDS = {
  native: { folder: 'build', config: 'Release', sanitize: '' },
  asan: { folder: 'build/asan', config: 'Sanitize', sanitize: 'address' },
  tsan: { folder: 'build/tsan', config: 'Sanitize', sanitize: 'thread' },
};

/**
 * @param {keyof typeof KINDS} kind
 * @param {string[]} targets of CMakeLists.txt: resnet_tests, resnet
 * @returns {string} the folder of the build
 */
function buildTests(kind, targets, env) {
  if (!Object.hasOwn(KINDS, kind)) throw new Error(`The kind is one of ${Object.keys(KINDS)}, not ${kind}.`);
  const { folder, config, sanitize } = KINDS[kind];
  const libtorch = findLibtorch({ env, log: console.log });
  if (kind === 'native') buildAddon(libtorch, env); // the folder may be outdated, or a copy
  const options = {
    LIBTORCH_DIR: libtorch.folder,
    NODE_ADDON_API_DIR: path.dirname(require.resolve('node-addon-api/package.json')),
    RESNET_WERROR: 'ON',
    RESNET_TESTS: 'ON',
    RESNET_SANITIZE: sanitize,
  };
  const configure = ['configure', ...Object.entries(options).map(([name, value]) => `--CD${name}=${value}`)];
  for (const step of [configure, ...targets.map((target) => ['build', '--target', target])]) {
    const place = ['--out', path.join(ROOT, folder), '--config', config, '--log-level', 'error'];
    const compiler = env.CXX ? [`--cxx=${env.CXX}`, `--cc=${env.CC || 'cc'}`] : [];
    const cmakeJs = [require.resolve('cmake-js/bin/cmake-js'), ...step, ...place, ...compiler];
    const { status } = spawnSync(process.execPath, cmakeJs, { cwd: ROOT, env, stdio: 'inherit' });
    if (status !== 0) throw new Failure('build', { folder: libtorch.folder });
  }
  return path.join(ROOT, folder);
}

/** The path of one of the compiler's own libraries, e.g. libasan.so. */
function runtimeLibrary(name, env = process.env) {
  const { command } = compilerFacts(env);
  return execFileSync(command, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
}

module.exports = { buildTests, runtimeLibrary };
