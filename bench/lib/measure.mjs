import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

/**
 * Times an engine in this process.
 *
 * @param open - (task) => Promise of { run(): Promise of the answer, close() }; a run is one batch
 * @param task - { layers, batch, inFlight, seconds, spawnedAt, … }
 * @returns milliseconds of a run (median, p90, p99), images per second, milliseconds from the
 * process's start to a loaded network (ready) and to the first answer (startup), peak memory in MB
 */
export async function measure(open, task) {
  const engine = await open(task);
  const ready = Date.now() - task.spawnedAt;
  await engine.run();
  const startup = Date.now() - task.spawnedAt;
  const peakAtFirst = peakMegabytes();
  const until = (end) =>
    Promise.all(
      Array.from({ length: task.inFlight }, async () => {
        const times = [];
        do {
          const start = performance.now();
          await engine.run();
          times.push(performance.now() - start);
        } while (performance.now() < end);
        return times;
      }),
    );
  await until(performance.now() + (task.seconds * 1000) / 4); // warm: caches, memory, clocks
  const start = performance.now();
  const times = (await until(start + task.seconds * 1000)).flat();
  const seconds = (performance.now() - start) / 1000;
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return {
    median: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    imagesPerSecond: (times.length * task.batch) / seconds,
    ready,
    startup,
    peakAtFirst,
    peak: peakMegabytes(),
  };
}

function peakMegabytes() {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}

/** The same picture-like numbers for every engine: float32 [batch, 3, 224, 224]. */
export function input(batch) {
  return Float32Array.from({ length: batch * 3 * 224 * 224 }, (_, i) => Math.sin(i * 0.001) + Math.sin(i * 0.37) / 4);
}
