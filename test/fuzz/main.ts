/**
 * `npm run fuzz -- TARGET… [--seed N] [--from N] [--executions N] [--minutes N] [--jobs N]`: runs targets, all of
 * them where none is named, each in a process of its own, so many at the same time. Prints how many executions each
 * had, and for a finding the command that repeats it.
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { runTarget } from './run';
import { say } from './say';
import { TARGETS } from './targets';

const MAX_MEGABYTES = 2048;
const HANG_MS = 60_000;
const REPORT_EVERY = 1_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    executions: { type: 'string', default: '1000000' },
    minutes: { type: 'string', default: 'Infinity' },
    jobs: { type: 'string', default: '1' },
    child: { type: 'boolean', default: false },
    // Says each execution's number before it runs: how a crash is found.
    every: { type: 'string', default: String(REPORT_EVERY) },
  },
});
const [seed, from, executions, minutes, every] = [
  values.seed,
  values.from,
  values.executions,
  values.minutes,
  values.every,
].map(Number) as [number, number, number, number, number];

/** Ends the process where one execution never comes back: a loop that hangs cannot see that by itself. */
function watch(heart: Int32Array): Worker {
  const source = `
    const { workerData: { heart, ms } } = require('node:worker_threads');
    let [last, since] = [-1, 0];
    setInterval(() => {
      const beat = Atomics.load(heart, 0);
      since = beat === last ? since + 1000 : 0;
      last = beat;
      if (since < ms) return;
      require('node:fs').writeSync(1, 'hangs\\n');
      process.kill(process.pid, 'SIGKILL');
    }, 1000);`;
  return new Worker(source, { eval: true, workerData: { heart, ms: HANG_MS } });
}

/** In a process of its own: lines `at N`, `finding N WORDS`, `done N`. */
async function child(name: string): Promise<void> {
  const target = TARGETS.find((one) => one.name === name);
  if (target === undefined) throw new Error(`there is no target ${name}`);
  const heart = new Int32Array(new SharedArrayBuffer(4));
  const watcher = watch(heart);
  let at = from;
  const found = (execution: number, error: unknown): void => {
    say(`finding ${execution} ${String(error instanceof Error ? error.stack : error)}`);
  };
  const strayed = (error: unknown): void => {
    found(at, error);
    process.exit(1);
  };
  process.on('uncaughtException', strayed).on('unhandledRejection', strayed);
  // Most executions make an error, and most of an error's time goes into its stack.
  if (executions > 1) Error.stackTraceLimit = 0;
  const { executions: done, finding } = await runTarget(target, {
    seed,
    from,
    executions,
    until: performance.now() + minutes * 60_000,
    onExecution: (execution) => {
      at = execution;
      Atomics.add(heart, 0, 1);
      if ((execution - from) % every === 0) say(`at ${execution}`);
      const megabytes = execution % REPORT_EVERY === 0 ? process.memoryUsage.rss() / 2 ** 20 : 0;
      if (megabytes > MAX_MEGABYTES) strayed(new Error(`holds ${Math.round(megabytes)} MB`));
    },
  });
  if (finding !== undefined) found(finding.execution, finding.error);
  say(`done ${done}`);
  await watcher.terminate();
  process.exit(finding === undefined ? 0 : 1);
}

interface Outcome {
  at: number;
  done: number;
  finding?: string;
  end: string;
}

function inChild(name: string, options: Readonly<Record<string, number>>): Promise<Outcome> {
  const given = Object.entries(options).flatMap(([option, value]) => [`--${option}`, String(value)]);
  const args = ['--max-old-space-size=1024', ...process.execArgv, __filename, name, '--child', ...given];
  const running = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const outcome: Outcome = { at: options.from ?? 0, done: 0, end: '' };
  let rest = '';
  running.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [word, number, words] = /^(\w+) ?(\d*) ?(.*)$/s.exec(line)?.slice(1) as [string, string, string];
      if (word === 'at') outcome.at = Number(number);
      else if (word === 'done') outcome.done = Number(number);
      else if (word === 'finding') [outcome.at, outcome.finding] = [Number(number), words];
      else outcome.finding = `${line}: no execution ended within ${HANG_MS} ms`;
    }
  });
  return new Promise((resolve) => {
    running.on('close', (code, signal) => {
      if (code !== 0) outcome.end = `exit code ${code}, signal ${signal}`;
      resolve(outcome);
    });
  });
}

/** True where nothing was found. */
async function parent(name: string): Promise<boolean> {
  const start = performance.now();
  let outcome = await inChild(name, { seed, from, executions, minutes, every });
  const crashed = outcome.end !== '' && outcome.finding === undefined;
  // Again from the last number that was said, saying every one.
  if (crashed) outcome = await inChild(name, { seed, from: outcome.at, executions: every, minutes, every: 1 });
  const seconds = (performance.now() - start) / 1000;
  const done = outcome.done > 0 && !crashed ? outcome.done : outcome.at - from + 1;
  console.log(`${name}: ${done} executions from ${from}, seed ${seed}, ${seconds.toFixed(0)} s`);
  if (!crashed && outcome.finding === undefined) return true;
  console.log(`  ${outcome.finding ?? `the process ended (${outcome.end || 'once, and not again'})`}`);
  console.log(`  npm run fuzz -- ${name} --seed ${seed} --from ${outcome.at} --executions 1`);
  return false;
}

async function main(): Promise<void> {
  const names = positionals.length > 0 ? [...positionals] : TARGETS.map(({ name }) => name);
  const unknown = names.find((name) => !TARGETS.some((target) => target.name === name));
  if (unknown !== undefined) {
    throw new Error(`There is no target ${unknown}; there are ${TARGETS.map(({ name }) => name).join(', ')}.`);
  }
  const jobs = Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < 1) throw new Error(`--jobs must be an integer from 1, but got ${values.jobs}.`);
  const job = async (): Promise<void> => {
    for (let name = names.shift(); name !== undefined; name = names.shift()) {
      if (!(await parent(name))) process.exitCode = 1;
    }
  };
  await Promise.all(Array.from({ length: jobs }, job));
}

void (values.child ? child(positionals[0] ?? '') : main());
