'use strict';
/**
 * `npm run test:long [-- STEP…]`: the tests that take hours, all steps or the named ones, in turn. A failed step does not
 * stop the next. `fuzz` alone takes up to an hour for each of its targets.
 */
const { spawnSync } = require('node:child_process');
const { ROOT } = require('./build-addon');

const long = { TEST_LONG: '1' };
/** One file at a time: beside a loaded server, libtorch's threads mostly wait for a core. */
const jest = (...patterns) => ({ command: ['npx', 'jest', '--runInBand', ...patterns], env: long });
const script = (name, ...args) => ({ command: ['npm', 'run', '--silent', name, '--', ...args], env: {} });

const STEPS = {
  suite: jest(
    ...['serve/mixed', 'deploy', 'endurance', 'processes/signals', 'optimized/depths'].map((part) => `test/${part}`),
  ),
  server: script('fuzz:server'),
  fuzz: script('fuzz', '--executions', '10000000', '--minutes', '60', '--jobs', '2'),
  abuse: script('abuse', '--minutes', '60', '--workers', '2'),
  soak: { command: ['node', 'bench/soak.mjs', '--minutes', '10'], env: {} },
  asan: script('test:asan'),
  tsan: script('test:tsan'),
};

const named = process.argv.slice(2);
const unknown = named.find((name) => !Object.hasOwn(STEPS, name));
if (unknown !== undefined) {
  console.error(`There is no step ${unknown}; there are ${Object.keys(STEPS).join(', ')}.`);
  process.exit(1);
}
const outcomes = (named.length > 0 ? named : Object.keys(STEPS)).map((name) => {
  const { command, env } = STEPS[name];
  const begun = Date.now();
  const [program, ...args] = command;
  const { status } = spawnSync(program, args, { cwd: ROOT, env: { ...process.env, ...env }, stdio: 'inherit' });
  return { name, good: status === 0, minutes: (Date.now() - begun) / 60_000 };
});
for (const { name, good, minutes } of outcomes) {
  console.log(`${name}: ${good ? 'passed' : 'FAILED'} after ${minutes.toFixed(1)} minutes`);
}
process.exitCode = outcomes.every(({ good }) => good) ? 0 : 1;
