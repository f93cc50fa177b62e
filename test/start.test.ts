import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { ResNet } from '../lib/resnet';
import { root, run, type Ended } from './support/node';

const start = (...args: string[]): Promise<Ended> =>
  run(process.execPath, [join(root, 'examples', 'start.mjs'), ...args]);
const table = readFileSync(join(__dirname, 'fixtures', 'summary', 'article.resnet50.txt'), 'utf8');

test("npm start: the article's table; that it is untrained, before a picture's five names; its speed", async () => {
  const { code, stdout, stderr } = await start();
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout.slice(0, table.length)).toBe(table);
  const rest = stdout.slice(table.length);
  const answer = /(?:^ {2} *\d+\.\d\d % {2}\S.*\n){5}/m.exec(rest);
  expect(answer).not.toBeNull();
  expect(rest.slice(0, answer!.index)).toMatch(/scene\.jpg[^]*\buntrained\b[^]*\bchance\b/);
  const [, ms, rate] = /^(\d+\.\d) ms from JPEG to answer, (\d+\.\d) pictures per second,$/m.exec(rest)!;
  expect(Math.abs(Number(ms) * Number(rate) - 1000)).toBeLessThan(1000 * 0.1 + Number(ms) * 0.05);
  expect(rest).toMatch(/^With trained weights: npm start -- --weights /m);
  await expect(sharp(join(root, 'build', 'scene.jpg')).metadata()).resolves.toMatchObject({
    format: 'jpeg',
    width: 640,
    height: 480,
  });
});

test('with a weight file it does not say untrained', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'resnet-start-'));
  try {
    const weights = join(folder, 'resnet50.safetensors');
    using network = new ResNet(50, 1000, { seed: 1 });
    await network.save(weights);
    const { code, stdout } = await start('--weights', weights);
    expect(code).toBe(0);
    expect(stdout).toContain('pictures per second');
    expect(stdout).not.toContain('untrained');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
