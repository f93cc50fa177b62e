// Measures libtorch-resnet beside its peers: each candidate alone in a process, in turn, several rounds; prints ratios
// to onnxruntime-node float32 with their spread, and writes results/ (JSON, Markdown, SVG).
//
// node run.mjs [--quick] [--layers 18,50] [--batch 1,8,32] [--in-flight 1,4,16] [--rounds 3] [--seconds 3]
//              [--only ours,onnxruntime] [--models FOLDER] [--python PATH] [--name FILES]
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chart } from './lib/chart.mjs';
import { machine } from './lib/machine.mjs';
import { makeModels } from './lib/models.mjs';
import { summarize, table } from './lib/report.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    layers: { type: 'string' },
    batch: { type: 'string' },
    'in-flight': { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string' },
    models: { type: 'string', default: join(homedir(), '.cache', 'libtorch-resnet', 'bench') },
    python: { type: 'string', default: 'python3' },
    name: { type: 'string', default: 'results' }, // of the files that are written
  },
});
const numbers = (text) => text.split(',').map(Number);
const layers = numbers(options.layers ?? (options.quick ? '50' : '18,50'));
const batches = numbers(options.batch ?? (options.quick ? '8' : '1,8,32'));
const inFlight = numbers(options['in-flight'] ?? (options.quick ? '1,4' : '1,4,16'));
const rounds = Number(options.rounds ?? (options.quick ? 2 : 3));

const BASELINE = 'onnxruntime float32';
const CANDIDATES = [
  ['onnxruntime', 'float32'],
  ['onnxruntime', 'int8'],
  ['ours', 'float32'],
  ['ours', 'bfloat16'],
  ['ours', 'int8'],
  ['ours', 'eager'],
  ['classifier', 'float32'],
  ['classifier', 'bfloat16'],
  ['classifier', 'int8'],
  ['pytorch', 'eager'],
  ['pytorch', 'compiled'],
  ['openvino', 'float32'],
  ['openvino', 'bfloat16'],
  ['tensorflow', 'float32'],
];
const wanted = options.only?.split(',');
const candidates = CANDIDATES.filter(
  ([engine, dtype]) =>
    wanted === undefined ||
    wanted.includes(engine) ||
    wanted.includes(`${engine} ${dtype}`) ||
    `${engine} ${dtype}` === BASELINE,
);

/** One candidate at one task in a process of its own; undefined where it cannot run here. */
function measured([engine, dtype], task) {
  const python = engine === 'pytorch' || engine === 'openvino';
  if (python && task.inFlight > 1) return undefined;
  if (engine === 'classifier' && task.batch * task.inFlight > 1) return undefined; // there for its start-up and memory
  if (engine === 'tensorflow' && task.batch * task.inFlight > 8) return undefined; // minutes, for a known answer
  const file = join(import.meta.dirname, ...(python ? ['candidates', `${engine}.py`] : ['lib', 'child.mjs']));
  const json = JSON.stringify({ ...task, dtype, models: options.models, spawnedAt: Date.now() });
  const { stdout, stderr } = spawnSync(
    python ? options.python : process.execPath,
    [file, ...(python ? [] : [engine]), json],
    { encoding: 'utf8', maxBuffer: 2 ** 26 },
  );
  const line = stdout.trimEnd().split('\n').at(-1);
  if (line?.startsWith('{')) return JSON.parse(line);
  missing.set(`${engine} ${dtype}`, stderr.trimEnd().split('\n').at(-1));
  return undefined;
}

const missing = new Map();
for (const depth of layers) await makeModels(options.models, depth);

// Batches alone, and single pictures from several callers at the same time.
const tasks = layers.flatMap((depth) => [
  ...batches.map((batch) => ({ layers: depth, batch, inFlight: 1 })),
  ...inFlight.filter((many) => many > 1).map((many) => ({ layers: depth, batch: 1, inFlight: many })),
]);
const results = [];
for (let round = 0; round < rounds; round++) {
  for (const task of tasks) {
    for (const candidate of candidates) {
      const name = candidate.join(' ');
      if (missing.has(name)) continue;
      const result = measured(candidate, { ...task, seconds: Number(options.seconds) });
      if (result === undefined) continue;
      results.push({ round, ...task, candidate: name, ...result });
      process.stderr.write(
        `round ${round + 1}/${rounds}  ResNet-${task.layers}  batch ${task.batch}  in flight ${task.inFlight}  ` +
          `${name}: ${result.imagesPerSecond.toFixed(1)} images/s\n`,
      );
    }
  }
}

const summary = summarize(results, BASELINE);
const about = machine();
const text = table(summary, about, missing, `node run.mjs ${process.argv.slice(2).join(' ')}`.trim());
const folder = join(import.meta.dirname, 'results');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, `${options.name}.json`), `${JSON.stringify({ about, results }, null, 2)}\n`);
writeFileSync(join(folder, `${options.name}.md`), text);
if (options.name === 'results') writeFileSync(join(folder, 'throughput.svg'), chart(summary, about));
process.stdout.write(text);
