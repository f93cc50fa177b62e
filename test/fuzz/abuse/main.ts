/**
 * `npm run abuse -- [--seed N] [--runs N] [--minutes N] [--workers N]`: random sequences of calls, right ones and wrong
 * ones, on several modules, in the main thread and several workers at once, in a process of its own. What is found is
 * printed with its seed, and shrunk where it is no crash.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import { say } from '../say';
import { sequences } from './commands';
import { World } from './model';

interface Options {
  seed: number;
  runs: number;
  minutes: number;
  workers: number;
}

/** What a sequence may take; half a second is usual. One that waits for ever is a finding. */
const MAX_MS = 60_000;
/** After so long without a step of any thread, one of them holds its event loop. */
const HANG_MS = 180_000;

/** Says `step WORDS`, so that a crash shows what came last, `runs N`, `found WORDS`. */
async function explore({ seed, runs, minutes }: Options): Promise<void> {
  let done = 0;
  const property = fc.asyncProperty(
    sequences((words) => say(`step ${seed} ${words}`)),
    async (commands) => {
      say(`step ${seed} start`);
      const world = new World();
      try {
        await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
        for (const pair of world.pairs) await pair.settle();
        done++;
      } finally {
        await Promise.allSettled(world.pairs.flatMap(({ pending }) => pending.map(({ answer }) => answer)));
        for (const { real, twin, fast } of world.pairs) for (const one of [real, twin, fast]) one?.dispose();
        rmSync(world.folder, { recursive: true });
      }
    },
  );
  const limit = Number.isFinite(minutes) ? { interruptAfterTimeLimit: minutes * 60_000 } : {};
  const settings = { seed, numRuns: runs, timeout: MAX_MS, markInterruptAsFailure: false, ...limit };
  const details = await fc.check(property, settings);
  say(`runs ${done}`);
  if (details.failed) {
    say(
      `found ${fc.defaultReportMessage(details) ?? ''} ${details.errorInstance instanceof Error ? (details.errorInstance.stack ?? '') : ''}`,
    );
    process.exit(1);
  }
}

function inWorkers(options: Options): Promise<unknown> {
  const source = 'const { workerData } = require("node:worker_threads"); require(workerData.main);';
  const others = Array.from({ length: options.workers }, (_, i) => {
    const data = { main: __filename, options: { ...options, seed: options.seed + 1 + i } };
    const worker = new Worker(source, { eval: true, workerData: data });
    return new Promise<void>((resolve, reject) => {
      worker.on('error', reject).on('exit', (code) => {
        if (code === 0) resolve();
        else process.exit(code);
      });
    });
  });
  return Promise.all([explore(options), ...others]);
}

function parent(args: readonly string[]): void {
  const all = [...process.execArgv, __filename, ...args, '--child'];
  const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'inherit'] });
  const last = new Map<string, string[]>();
  let [rest, runs, steps] = ['', 0, 0];
  const found: string[] = [];
  const hangs = (): void => {
    found.push(`Nothing was called for ${HANG_MS} ms.`);
    child.kill('SIGKILL');
  };
  let watch = setTimeout(hangs, HANG_MS);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    clearTimeout(watch);
    watch = setTimeout(hangs, HANG_MS);
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [word = '', ...more] = line.split(' ');
      if (word === 'runs') runs += Number(more[0]);
      else if (word === 'step' && more[1] === 'start') last.set(more[0] ?? '', []);
      else if (word === 'step') {
        steps++;
        last.get(more[0] ?? '')?.push(more[1] ?? '');
      } else found.push(more.join(' ').replaceAll(' | ', '\n'));
    }
  });
  child.on('close', (code, signal) => {
    clearTimeout(watch);
    console.log(`${runs} sequences, ${steps} calls`);
    for (const words of found) console.log(words);
    if (code === 0) return;
    process.exitCode = 1;
    if (found.length > 0 && signal === null) return;
    console.log(`The process ended with exit code ${code}, signal ${signal}, after`);
    for (const [seed, words] of last) console.log(`  seed ${seed}: ${words.join(' ')}`);
  });
}

const strays = (error: unknown): void => {
  say(`found nobody caught ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
  process.exit(1);
};

function main(): void {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      runs: { type: 'string', default: '1000000000' },
      minutes: { type: 'string', default: '10' },
      workers: { type: 'string', default: '2' },
      child: { type: 'boolean', default: false },
    },
  });
  if (!values.child) {
    parent(process.argv.slice(2));
    return;
  }
  process.on('uncaughtException', strays).on('unhandledRejection', strays);
  const [seed, runs, minutes, workers] = [values.seed, values.runs, values.minutes, values.workers].map(Number);
  void inWorkers({ seed, runs, minutes, workers } as Options);
}

if (isMainThread) main();
else void explore((workerData as { options: Options }).options);
