// node load.mjs TASK: sends pictures to a server from a process of its own, prints what came back as JSON, ends.
// TASK: { url, pictures: [file], connections, seconds, rate } where rate (requests a second in all) makes an open load.
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import autocannon from 'autocannon';
import { openLoad } from './open-load.mjs';

const { url, pictures, connections, seconds, rate } = JSON.parse(process.argv[2]);
const bodies = pictures.map((file) => readFileSync(file));

/** As many requests at a time as there are connections, each sent as soon as the one before it has its answer. */
function closedLoad(duration) {
  const times = new Map();
  let failures = 0;
  const started = process.cpuUsage();
  return new Promise((resolve, reject) => {
    const run = autocannon(
      {
        url,
        connections,
        duration,
        timeout: 60,
        requests: bodies.map((body) => ({
          method: 'POST',
          path: '/classify',
          headers: { 'content-type': 'image/jpeg' },
          body,
        })),
      },
      (error, result) => {
        if (error) reject(error);
        else resolve({ times, failures, seconds: result.duration, cpu: process.cpuUsage(started) });
      },
    );
    run.on('response', (_client, status, _bytes, time) => {
      if (!times.has(status)) times.set(status, []);
      times.get(status).push(time);
    });
    run.on('reqError', () => failures++);
  });
}

async function measured() {
  if (rate !== undefined) return openLoad({ url, bodies, connections, rate, seconds });
  await closedLoad(2); // warm: connections, caches, the first batches
  return closedLoad(seconds);
}

const { times, failures, seconds: took, cpu } = await measured();
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
const of = (status) => {
  const sorted = (times.get(status) ?? []).sort((a, b) => a - b);
  return { count: sorted.length, p50: at(sorted, 0.5), p99: at(sorted, 0.99), most: sorted.at(-1) };
};
const others = [...times]
  .filter(([status]) => status !== 200 && status !== 503)
  .map(([status, { length }]) => [status, length]);
const text = JSON.stringify({
  seconds: took,
  accepted: of(200),
  refused: of(503),
  others,
  failures,
  cpuSeconds: (cpu.user + cpu.system) / 1e6,
});
await promisify(process.stdout.write.bind(process.stdout))(`${text}\n`);
process.exit(0);
