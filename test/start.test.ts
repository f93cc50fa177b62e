import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { ResNet } from '../lib/resnet';
import { root, run, type Ended } from './support/node';

const start = (...args: string[]): Promise<Ended> =>
  run(process.execPath, [join(root, 'examples', 'start.mjs'), ...args]);
const table = readFileSync(join(__dirname, 'fixtures', 'summary', 'article.resnet50.txt'), 'utf8');

test("npm start: the article's table, a picture's five names, the time, and that it is untrained", async () => {
  const { code, stdout, stderr } = await start();
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout.slice(0, table.length)).toBe(table);
  const rest = stdout.slice(table.length);
  expect(rest.match(/^ {2} *\d+\.\d\d % {2}\S/gm)).toHaveLength(5);
  expect(rest).toMatch(/^\d+\.\d{3} seconds a picture, \d+\.\d images per second$/m);
  expect(rest).toMatch(/^The network is untrained.*--weights FILE.*$/m);
  await expect(sharp(join(root, 'build', 'scene.jpg')).metadata()).resolves.toMatchObject({
    format: 'jpeg',
    width: 640,
    height: 480,
  });
});

test('with a weight file nothing is said of untrained', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'resnet-start-'));
  try {
    const weights = join(folder, 'resnet50.safetensors');
    using network = new ResNet(50, 1000, { seed: 1 });
    await network.save(weights);
    const { code, stdout } = await start('--weights', weights);
    expect(code).toBe(0);
    expect(stdout).toContain('images per second');
    expect(stdout).not.toContain('untrained');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
