'use strict';
/**
 * `npm run test:native`, `test:asan` and `test:tsan`: runs native/test, a GoogleTest program without Node, as shipped or
 * with GCC's sanitizers; with those also the TypeScript suite. Reports of a sanitizer are written to build/KIND/reports
 * and fail the run, even if the process that they ended was expected to fail.
 *
 *     node scripts/sanitize.js native|asan|tsan [--only=native|suite] [--filter=TESTS] [PATTERNS for jest]
 */
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { ROOT } = require('./build-addon');
const { buildTests, runtimeLibrary } = require('./build-tests');

/**
 * The tests that run native code. Left out: the installer and the package, which build an addon of their own; tests that
 * need other programs (frameworks, triton, cuda, Chromium); tests that measure memory or time (serve/batcher, and UNFIT
 * by name); tests that call only what others call too (the command line, jobs, endurance, serve/mixed);
 * processes/signals, whose processes are killed before they can report; and processes/limits, whose limited address
 * space has no room for a sanitizer's shadow memory.
 */
const SUITE = [
  ...['module', 'features', 'state-dict', 'summary', 'determinism', 'parity', 'addon', 'errors'],
  ...['optimized', 'runtime', 'weights', 'image', 'processes/ends', 'processes/workers', 'processes/realms', 'fuzz'],
  ...['classify', 'explain', 'network', 'oip', 'errors', 'server'].map((part) => `serve/${part}`),
].map((part) => `test/${part}`);

/** Tests of memory in other files: sanitizers delay freeing it. */
const UNFIT = '^(?!.*peaks at one copy)';

const joined = (options) =>
  Object.entries(options)
    .map(([name, value]) => `${name}=${value}`)
    .join(':');

/** The sanitizers' options, by kind of process. */
function settings(reports, { leaks }) {
  const suppressions = (name) => path.join(__dirname, 'sanitize', `${name}.supp`);
  const common = {
    log_path: path.join(reports, 'report'),
    exitcode: 86,
    allocator_may_return_null: 1, // as without a sanitizer: a huge allocation fails, and the process continues
  };
  return {
    ASAN_OPTIONS: joined({
      ...common,
      suppressions: suppressions('asan'),
      detect_leaks: leaks ? 1 : 0,
      use_sigaltstack: 0, // Node's threads have their own signal stacks
    }),
    LSAN_OPTIONS: joined({ suppressions: suppressions('lsan'), print_suppressions: 0 }),
    UBSAN_OPTIONS: joined({ ...common, suppressions: suppressions('ubsan'), print_stacktrace: 1 }),
    TSAN_OPTIONS: joined({
      ...common,
      suppressions: suppressions('tsan'),
      // libtorch, oneDNN and OpenMP are not instrumented, so their own accesses cannot be checked.
      ignore_noninstrumented_modules: 1,
      second_deadlock_stack: 1,
      history_size: 4,
    }),
  };
}

function run([command, ...args], env) {
  const { status, signal, error } = spawnSync(command, args, { cwd: ROOT, env, stdio: 'inherit' });
  if (error) throw error;
  if (signal) console.error(`${command} ended with ${signal}`);
  return status === 0;
}

/** ThreadSanitizer's shadow memory does not work with address space randomization. */
const LAUNCHER = { native: ['env'], asan: ['env'], tsan: ['setarch', '-R', 'env'] };
const RUNTIMES = { asan: ['libasan.so', 'libubsan.so', 'libstdc++.so.6'], tsan: ['libtsan.so', 'libstdc++.so.6'] };

/** The C++ program. */
function runNative(folder, kind, reports, filter) {
  const program = path.join(folder, 'resnet_tests');
  const args = [`--gtest_brief=1`, ...(filter ? [`--gtest_filter=${filter}`] : [])];
  const env = { ...process.env, ...settings(reports, { leaks: true }) };
  return run([...LAUNCHER[kind], program, ...args], env);
}

/** Node is not instrumented: the runtimes are preloaded, and every Node process of the run loads the sanitized addon. */
function runSuite(folder, kind, reports, patterns) {
  const preload = RUNTIMES[kind].map((library) => runtimeLibrary(library)).join(':');
  const env = {
    ...process.env,
    ...settings(reports, { leaks: false }), // Node and V8 do not free everything at exit
    SANITIZED_ADDON: path.join(folder, 'Release', 'resnet.node'),
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require ${path.join(__dirname, 'sanitize', 'addon.js')}`,
  };
  const jest = path.join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
  const args = ['-w', '1', '--testTimeout', '600000', '--testNamePattern', UNFIT, ...patterns];
  return run([...LAUNCHER[kind], `LD_PRELOAD=${preload}`, process.execPath, jest, ...args], env);
}

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { only: { type: 'string' }, filter: { type: 'string' } },
  });
  const [kind, ...patterns] = positionals;
  const suite = kind !== 'native' && values.only !== 'native';
  const native = values.only !== 'suite';
  const folder = buildTests(kind, [...(native ? ['resnet_tests'] : []), ...(suite ? ['resnet'] : [])], process.env);
  const reports = path.join(folder, 'reports');
  fs.rmSync(reports, { recursive: true, force: true });
  fs.mkdirSync(reports, { recursive: true });

  let good = true;
  if (native) good = runNative(folder, kind, reports, values.filter) && good;
  if (suite) good = runSuite(folder, kind, reports, patterns.length > 0 ? patterns : SUITE) && good;
  const found = fs.readdirSync(reports);
  for (const file of found.slice(0, 5)) console.error(fs.readFileSync(path.join(reports, file), 'utf8'));
  if (kind !== 'native') console.log(`${found.length} reports of the sanitizers in ${path.relative(ROOT, reports)}`);
  process.exitCode = good && found.length === 0 ? 0 : 1;
}

try {
  main();
} catch (error) {
  if (error.report === undefined) throw error;
  console.error(error.report());
  process.exitCode = 1;
}
