// node memory.mjs [--short] [--json] [NAME…]: what a process keeps of loading, running, giving up and failing, as a
// curve for each scenario; exits 1 where one ends more than 5 % above where it had settled (15 % with --short), or where V8 is told of more
// memory at the end than at the start. --short has fewer rounds; --json prints the numbers alone.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chart } from './chart.mjs';

/** What V8 may be told of in the end beyond the start: one pooled buffer of Node's own, never a network of megabytes. */
const MAX_EXTERNAL = 2 ** 17;

/** `settled`: rounds after which everything that is made once has been made. In pairs: here, and with --short. */
const SCENARIOS = [
  { name: 'disposed', title: 'ResNet-18: load, forward, dispose', times: [1_000, 40], settled: [20, 20] },
  {
    name: 'collected',
    title: 'ResNet-18: load, forward, left to the collector',
    times: [1_000, 40],
    settled: [20, 20],
  },
  { name: 'optimized', title: 'ResNet-18: load, optimize, forward, dispose', times: [1_000, 40], settled: [20, 20] },
  { name: 'classifier', title: 'ImageClassifier: create, classify, dispose', times: [300, 30], settled: [20, 20] },
  { name: 'forwards', title: 'BasicBlock: forwards', times: [100_000, 4_000], settled: [5_000, 2_000] },
  { name: 'aborted', title: 'ResNet-18: forwards aborted, three a round', times: [10_000, 600], settled: [500, 300] },
  {
    name: 'failed',
    title: 'Forwards and loads that fail, five a round',
    times: [40_000, 1_500],
    settled: [4_000, 750],
  },
];

const { values: options, positionals } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
  allowPositionals: true,
});

// Forty rounds tell a network that was kept, 45 MB each time, from an allocator's ups and downs, and no more.
const MAX_GROWTH = options.short ? 0.15 : 0.05;

function measure({ name, title, times, settled }) {
  const [rounds, warm] = [times, settled].map((pair) => pair[options.short ? 1 : 0]);
  const script = join(import.meta.dirname, 'memory-scenario.mjs');
  // What V8 takes for itself in time is no network's: a young generation that grows by 13 MB, and 5 MB of malloc's that
  // each of its four helpers keeps of the largest function that it has compiled. Both are held at their first size.
  const flags = ['--expose-gc', '--max-semi-space-size=1', '--v8-pool-size=1'];
  const output = execFileSync(process.execPath, [...flags, script, name, String(rounds)], { maxBuffer: 2 ** 26 });
  const { samples, external } = JSON.parse(output);
  // The peak of some, as memory that a collector or an allocator gives back goes up and down. That of the first rounds
  // is over all of them: now and then the later ones are lower, and the level comes back after.
  const peak = (from, to) => Math.max(...samples.filter(([i]) => i > from && i <= to).map(([, bytes]) => bytes));
  const start = peak(0, warm);
  const end = peak(rounds - warm / 2, rounds);
  const growth = end / start - 1;
  const ok = growth <= MAX_GROWTH && external[1] - external[0] <= MAX_EXTERNAL;
  return { name, title, rounds, settled: warm, start, end, growth, external, ok, samples };
}

const results = [];
for (const scenario of SCENARIOS) {
  if (positionals.length > 0 && !positionals.includes(scenario.name)) continue;
  const result = measure(scenario);
  results.push(result);
  if (!options.json) process.stdout.write(`\n${result.title}\n\n${chart(result.samples)}\n`);
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
const row = ({ title, rounds, settled, start, end, growth, external: [before, after], ok }) =>
  `| ${title} | ${rounds} | ${megabytes(start)} (${settled}) | ${megabytes(end)} | ${(100 * growth).toFixed(1)} % | ` +
  `${before} → ${after} | ${ok ? 'yes' : 'NO'} |`;
process.stdout.write(
  options.json
    ? `${JSON.stringify(results.map((result) => ({ ...result, samples: undefined })))}\n`
    : `\n${[
        '| Scenario | Rounds | Settled, MB (after) | End, MB | Growth | V8 external, bytes | Holds |',
        '| --- | --- | --- | --- | --- | --- | --- |',
        ...results.map(row),
      ].join('\n')}\n`,
);
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;
