// node soak.mjs [--minutes 10] [--layers 18]: optimized networks in every dtype under full load, with inputs of several
// shapes; prints the process's memory as it goes, and at the end how busy it is when idle. Exits 1 where memory grew by
// more than 5 % once it had settled, or an idle process takes more than 1 % of a core.
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { ResNet, Tensor } = createRequire(import.meta.url)('..');
const { values: options } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, layers: { type: 'string', default: '18' } },
});

if (!(Number(options.minutes) > 1))
  throw new Error('--minutes must be more than 1: the first is what it is held against');

/** Forwards until every shape in every dtype has its memory; a minute's on two cores that do nothing else. */
const SETTLED_AFTER = 3_000;

const net = new ResNet(Number(options.layers), 1000, { seed: 1 });
const bytes = (n, side) =>
  new Tensor(
    new Uint8Array(n * side * side * 3).map((_, i) => (i * 31) % 251),
    [n, side, side, 3],
  );
const dtypes = [{ dtype: 'float32' }, { dtype: 'bfloat16' }, { dtype: 'int8', calibration: [bytes(2, 224)] }];
const made = await Promise.allSettled(dtypes.map((one) => net.optimize({ ...one, prefer: 'throughput' })));
const networks = made.flatMap(({ value, reason }) => {
  if (reason !== undefined && reason.code !== 'ERR_UNSUPPORTED_DTYPE') throw reason; // that one is the processor's
  return value ?? [];
});
net.dispose();

const inputs = [bytes(1, 224), bytes(4, 224), bytes(1, 160), bytes(3, 97), bytes(40, 64)];
const end = performance.now() + Number(options.minutes) * 60_000;
let forwards = 0;
const worker = async (first) => {
  for (let i = first; performance.now() < end; i++) {
    const abort = i % 7 === 0 ? AbortSignal.timeout(3) : undefined; // some are given up on the way
    const network = networks[i % networks.length];
    await network.forward(inputs[i % inputs.length], { signal: abort }).catch((error) => {
      if (error.name !== 'TimeoutError') throw error;
    });
    forwards++;
  }
};
const megabytes = () => process.memoryUsage.rss() / 1e6;
let settled;
const watch = setInterval(() => {
  if (forwards >= SETTLED_AFTER) settled ??= megabytes();
  process.stdout.write(`${forwards} forwards, ${megabytes().toFixed(0)} MB\n`);
}, 60_000);
await Promise.all([0, 1, 2, 3].map(worker));
clearInterval(watch);

if (settled === undefined) throw new Error(`${SETTLED_AFTER} forwards took too long: nothing to hold memory against`);
const grown = megabytes() / settled - 1;
await pause(500);
const before = process.cpuUsage();
await pause(10_000);
const { user, system } = process.cpuUsage(before);
const busy = (user + system) / 10e6;
process.stdout.write(
  `${forwards} forwards; memory ${(100 * grown).toFixed(1)} % above where it had settled; idle: ${(100 * busy).toFixed(2)} % of a core\n`,
);
process.exitCode = grown > 0.05 || busy > 0.01 ? 1 : 0;
