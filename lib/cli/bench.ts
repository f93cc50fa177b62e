import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Layers } from '../depths';
import { callNative } from '../native/addon';
import { runJob } from '../native/job';
import { ResNet } from '../resnet';
import type { OptimizedDType, OptimizedResNet } from '../optimized';
import { summary } from '../summary';
import { Tensor } from '../tensor';
import { colors } from './colors';
import { asJson } from './formats';
import { parseCount, parseLayers } from './options';
import { Progress } from './progress';

interface Flags {
  layers: Layers;
  dtype: OptimizedDType[];
  batch: number[];
  threads?: number;
  streams?: number;
  seconds: number;
  format: 'text' | 'json';
}

/** The measurements of one dtype and batch size. */
export interface Measurement {
  dtype: OptimizedDType;
  executor: string;
  batch: number;
  streams: number;
  /** Of one forward, in milliseconds. */
  latency: { median: number; p90: number; p99: number };
  imagesPerSecond: number;
  /** Share of the speed of a matrix product in this dtype, measured in the same run; absent if unknown. */
  shareOfPeak?: number;
  /** Resident memory of the process, in MB. */
  memory: number;
}

const DTYPES: OptimizedDType[] = ['float32', 'bfloat16', 'int8'];

/** `resnet bench`: measures optimized networks on this machine. */
export function addBench(program: Command): void {
  program
    .command('bench')
    .description('Measure optimized networks on this machine: untrained, since time does not depend on the weights.')
    .addOption(new Option('--layers <n>', 'the depth').argParser(parseLayers).default(50))
    .addOption(new Option('--dtype <names>', 'separated by commas').argParser(parseDTypes).default(DTYPES))
    .addOption(new Option('--batch <sizes>', 'separated by commas').argParser(parseCounts).default([1, 8, 32]))
    .option('--threads <n>', 'cores of one forward; default: all', parseCount)
    .option('--streams <n>', 'forwards at the same time; default: 1', parseCount)
    .addOption(new Option('--seconds <n>', 'of measuring, each').argParser(parseCount).default(2))
    .addOption(new Option('--format <name>', 'what to print').choices(['text', 'json']).default('text'))
    .action(async (flags: Flags) => {
      const rows = await measureAll(flags);
      process.stdout.write(flags.format === 'json' ? asJson(rows) : text(rows, flags.layers));
    });
}

async function measureAll({ layers, dtype, batch, threads, streams = 1, seconds }: Flags): Promise<Measurement[]> {
  using net = new ResNet(layers, 1000, { seed: 1 });
  const operations = 2 * summary(net, [1, 3, SIZE, SIZE]).totals.multiplyAdds;
  const progress = await Progress.begin(dtype.length * batch.length, 'measurements');
  const rows: Measurement[] = [];
  try {
    for (const name of dtype) {
      const calibration = name === 'int8' ? [pictures(4)] : undefined;
      using fast = await net.optimize({ dtype: name, threads, streams, calibration });
      const { cores } = callNative((binding) => binding.threads());
      const usedCores = Math.min(cores, streams * (threads ?? Math.max(1, Math.floor(cores / streams))));
      const peak = await runJob((binding) => binding.peak(name, usedCores));
      for (const size of batch) {
        const row = await measure(fast, size, streams, seconds);
        const share = (row.imagesPerSecond * operations) / peak;
        rows.push(Number.isFinite(share) ? { ...row, shareOfPeak: share } : row);
        progress.add(1);
      }
    }
  } finally {
    progress.end();
  }
  return rows;
}

async function measure(fast: OptimizedResNet, batch: number, streams: number, seconds: number): Promise<Measurement> {
  const x = pictures(batch);
  const times: number[] = [];
  const runUntil = async (end: number): Promise<void> => {
    do {
      const start = performance.now();
      await fast.forward(x);
      times.push(performance.now() - start);
    } while (performance.now() < end);
  };
  const runStreams = (end: number): Promise<unknown> =>
    Promise.all(Array.from({ length: streams }, () => runUntil(end)));
  await runStreams(performance.now() + seconds * 250); // warms up memory, caches and clocks
  times.length = 0;
  const start = performance.now();
  await runStreams(start + seconds * 1000);
  const elapsed = (performance.now() - start) / 1000;
  times.sort((a, b) => a - b);
  const quantile = (q: number): number => times[Math.min(times.length - 1, Math.floor(times.length * q))] ?? 0;
  return {
    dtype: fast.dtype,
    executor: fast.executor,
    batch,
    streams,
    latency: { median: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99) },
    imagesPerSecond: (times.length * batch) / elapsed,
    memory: process.memoryUsage.rss() / 1e6,
  };
}

const SIZE = 224;

/** uint8 pictures, as a server runs them. */
function pictures(n: number): Tensor {
  return new Tensor(
    new Uint8Array(n * SIZE * SIZE * 3).map((_, i) => (i * 31) % 251),
    [n, SIZE, SIZE, 3],
  );
}

const WIDTH = 24;

function text(rows: readonly Measurement[], layers: Layers): string {
  const fastest = Math.max(...rows.map(({ imagesPerSecond }) => imagesPerSecond));
  const lines = rows.map(({ dtype, batch, latency, imagesPerSecond, shareOfPeak, memory }) => {
    const bar = '#'.repeat(Math.max(1, Math.round((imagesPerSecond / fastest) * WIDTH)));
    const share = shareOfPeak === undefined ? '' : `${(100 * shareOfPeak).toFixed(0)} %`;
    return [
      dtype.padEnd(8),
      String(batch).padStart(5),
      ...[latency.median, latency.p90, latency.p99].map((ms) => ms.toFixed(1).padStart(8)),
      imagesPerSecond.toFixed(1).padStart(8),
      share.padStart(6),
      memory.toFixed(0).padStart(6),
      ` ${colors.cyan(bar)}`,
    ].join(' ');
  });
  const header = 'dtype    batch   median      p90      p99 images/s   peak     MB';
  return [`ResNet-${layers}, ${SIZE} x ${SIZE}, ms of a forward`, colors.bold(header), ...lines, ''].join('\n');
}

function parseDTypes(value: string): OptimizedDType[] {
  const names = value.split(',');
  const unknown = names.find((name) => !(DTYPES as string[]).includes(name));
  if (unknown !== undefined) throw new InvalidArgumentError(`It must be of ${DTYPES.join(', ')}.`);
  return names as OptimizedDType[];
}

function parseCounts(value: string): number[] {
  return value.split(',').map(parseCount);
}
