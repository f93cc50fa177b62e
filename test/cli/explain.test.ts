import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { ImageClassifier } from '../../lib/image/classifier';
import { fixture } from '../image/pictures';
import { temporaryFolder } from '../support/files';
import { root, run, type Ended } from '../support/node';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const explain = (...args: string[]): Promise<Ended> =>
  run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), 'explain', ...args]);
const landscape = fixture('landscape.jpg');
const untrained = ['--weights', 'random:1', '--layers', '18'];

test('writes a picture and prints its class', async () => {
  const { code, stdout, stderr } = await explain(landscape, '-o', at('heat.png'), ...untrained);
  using classifier = await ImageClassifier.create({ weights: 'random:1', layers: 18 });
  const { label, index, score } = await classifier.explain(landscape);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `${at('heat.png')}: ${label} (class ${index}), ${(100 * score).toFixed(2)} %\n`,
  });
  expect(stderr).toMatch(/untrained/);
  expect(await sharp(at('heat.png')).metadata()).toMatchObject({ format: 'png', width: 640, height: 568 });
  expect(readdirSync(folder)).toEqual(['heat.png']);
});

test('- is standard input', async () => {
  const command = [join(root, 'dist', 'cli', 'main.js'), 'explain', '-', '-o', at('input.png'), ...untrained];
  expect((await run(process.execPath, command, { input: readFileSync(landscape) })).code).toBe(0);
  expect(readFileSync(at('input.png')).equals(readFileSync(at('heat.png')))).toBe(true);
});

test('another class gives another picture', async () => {
  const { stdout } = await explain(landscape, '-o', at('other.PNG'), ...untrained, '--class', '7');
  expect(stdout).toMatch(/: cock \(class 7\), /);
  expect(readFileSync(at('other.PNG')).equals(readFileSync(at('heat.png')))).toBe(false);
});

test('--force replaces an existing file', async () => {
  writeFileSync(at('mine.png'), 'mine');
  const { code, stderr } = await explain(landscape, '-o', at('mine.png'), ...untrained);
  expect([code, readFileSync(at('mine.png'), 'utf8')]).toEqual([1, 'mine']);
  expect(stderr).toMatch(/there already; --force/);
  expect((await explain(landscape, '-o', at('mine.png'), ...untrained, '--force')).code).toBe(0);
  expect((await sharp(at('mine.png')).metadata()).format).toBe('png');
});

test.each<[string, string[], number, RegExp]>([
  ['no output', [landscape, ...untrained], 2, /--output/],
  ['another format', [landscape, '-o', at('x.jpg'), ...untrained], 2, /output must be a path that ends in \.png/],
  ['no weights', [landscape, '-o', at('x.png')], 2, /explain needs weights: --weights FILE/],
  ['no such class', [landscape, '-o', at('x.png'), ...untrained, '--class', '1000'], 2, /class must be .* 0 to 999/],
  ['a class by name', [landscape, '-o', at('x.png'), ...untrained, '--class', 'cat'], 2, /--class/],
  ['no picture', [__filename, '-o', at('x.png'), ...untrained], 1, /picture must be a JPEG/],
  ['a missing folder', [landscape, '-o', at('no/x.png'), ...untrained], 1, /Cannot write .*x\.png/],
])('%s', async (_, args, expected, message) => {
  const { code, stdout, stderr } = await explain(...args);
  expect({ code, stdout, stderr }).toEqual({ code: expected, stdout: '', stderr: expect.stringMatching(message) });
  expect(stderr).not.toMatch(/\n {4}at /);
  expect(['x.jpg', 'x.png'].filter((name) => existsSync(at(name)))).toEqual([]);
});
