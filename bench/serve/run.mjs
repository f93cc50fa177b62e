// Measures `resnet serve` under load beside the server that a Node developer would write today (plain.mjs): real JPEGs
// of 500 x 375 from a second process, each server alone, in turn, several rounds. Writes results/serve.{json,md}.
//
// node serve/run.mjs [--layers 50] [--connections 1,4,16,64] [--rounds 3] [--seconds 8] [--only NAME,NAME]
//                    [--models FOLDER] [--name FILES]
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { machine } from '../lib/machine.mjs';
import { makeModels } from '../lib/models.mjs';
import { makePictures } from './pictures.mjs';
import { report } from './report.mjs';
import { SERVERS, start } from './servers.mjs';

const { values: options } = parseArgs({
  options: {
    layers: { type: 'string', default: '50' },
    connections: { type: 'string', default: '1,4,16,64' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
    only: { type: 'string' },
    models: { type: 'string', default: join(homedir(), '.cache', 'libtorch-resnet', 'bench') },
    name: { type: 'string', default: 'serve' },
  },
});
const [layers, rounds, seconds] = [options.layers, options.rounds, options.seconds].map(Number);
const connections = options.connections.split(',').map(Number);
const names = [...SERVERS.keys()].filter(
  (name) => options.only?.split(',').some((part) => name.includes(part)) ?? true,
);
const { models } = options;

/** More than a queue of 32 and two batches of 8 hold: all that a server admits is there all the time. */
const SATURATING = 48;
const CROWD = 128;

await makeModels(models, layers);
const pictures = await makePictures(models);
const execute = promisify(execFile);
const say = (text) => process.stderr.write(`${text}\n`);

async function load(url, task) {
  const { stdout } = await execute(process.execPath, [
    join(import.meta.dirname, 'load.mjs'),
    JSON.stringify({ url, pictures, seconds, ...task }),
  ]);
  const result = JSON.parse(stdout);
  // What the generator computes, the server cannot: both figures are printed.
  const left = 1 - result.cpuSeconds / (result.seconds * availableParallelism());
  const imagesPerSecond = result.accepted.count / result.seconds;
  return { ...result, imagesPerSecond, withoutGenerator: imagesPerSecond / left };
}

/** The network alone, batches of 8 on all cores, in a process of its own. */
function bare(dtype) {
  const task = { layers, batch: 8, inFlight: availableParallelism(), seconds, dtype, models, spawnedAt: Date.now() };
  const child = join(import.meta.dirname, '..', 'lib', 'child.mjs');
  const { stdout, stderr } = spawnSync(process.execPath, [child, 'ours', JSON.stringify(task)], { encoding: 'utf8' });
  const line = stdout.trimEnd().split('\n').at(-1);
  if (!line.startsWith('{')) throw new Error(`ours ${dtype}: ${stderr}`);
  return JSON.parse(line).imagesPerSecond;
}

const results = [];
for (let round = 0; round < rounds; round++) {
  for (const name of names) {
    const dtype = /^resnet serve (.*)$/.exec(name)?.[1];
    if (dtype !== undefined) results.push({ round, name, bare: bare(dtype) });
    const server = await start(name, { models, layers });
    for (const many of connections) {
      const result = await load(server.url, { connections: many });
      results.push({ round, name, connections: many, ...result });
      say(`round ${round + 1}/${rounds}  ${name}, ${many} connections: ${result.imagesPerSecond.toFixed(1)} images/s`);
    }
    if (dtype !== undefined) {
      const capacity = await load(server.url, { connections: SATURATING });
      const overload = await load(server.url, { connections: CROWD, rate: Math.round(2 * capacity.imagesPerSecond) });
      results.push({ round, name, capacity, overload });
      say(`round ${round + 1}/${rounds}  ${name}, twice its capacity: ${overload.refused.count} refused`);
    }
    await server.stop();
  }
}

const about = machine();
const text = report(results, about, `node serve/run.mjs ${process.argv.slice(2).join(' ')}`.trim());
const folder = join(import.meta.dirname, '..', 'results');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, `${options.name}.json`), `${JSON.stringify({ about, results }, null, 2)}\n`);
writeFileSync(join(folder, `${options.name}.md`), text);
process.stdout.write(text);
