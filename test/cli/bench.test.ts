import type { Measurement } from '../../lib/cli/bench';
import { join } from 'node:path';
import { root, run } from '../support/node';

const resnet = (...args: string[]) => run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), 'bench', ...args]);

test('measures each dtype and batch size', async () => {
  const { code, stdout } = await resnet(
    ...['--layers', '18', '--dtype', 'float32', '--batch', '1,2', '--seconds', '1', '--format', 'json'],
  );
  expect(code).toBe(0);
  const rows = JSON.parse(stdout) as Measurement[];
  expect(rows.map(({ dtype, batch }) => [dtype, batch])).toEqual([
    ['float32', 1],
    ['float32', 2],
  ]);
  for (const { latency, imagesPerSecond, shareOfPeak, memory, batch } of rows) {
    expect(latency.median).toBeGreaterThan(0);
    expect(latency.p90).toBeGreaterThanOrEqual(latency.median);
    expect(latency.p99).toBeGreaterThanOrEqual(latency.p90);
    // Forwards run one after the other, so the throughput follows from the latencies.
    expect(imagesPerSecond).toBeLessThan((1.5 * 1000 * batch) / latency.median);
    expect(shareOfPeak ?? 0.5).toBeGreaterThan(0.01);
    expect(shareOfPeak ?? 0.5).toBeLessThan(2);
    expect(memory).toBeGreaterThan(50);
  }
});

test('one line per measurement, with a bar', async () => {
  const { code, stdout } = await resnet('--layers', '18', '--dtype', 'float32', '--batch', '1', '--seconds', '1');
  expect(code).toBe(0);
  expect(stdout.split('\n')[1]).toBe('dtype    batch   median      p90      p99 images/s   peak     MB');
  expect(stdout.split('\n')[2]).toMatch(/^float32 {6}1( +[\d.]+){4}( +\d+ %)? +\d+ {2}#{24}$/);
});

test.each([
  ['--dtype', 'float16'],
  ['--batch', '0'],
  ['--layers', '20'],
  ['--threads', 'x'],
])('%s %s is wrong usage', async (...args) => {
  expect(await resnet(...args)).toMatchObject({ code: 2, stdout: '' });
});
