import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImageClassifier } from '../../lib/image/classifier';
import { ResNet } from '../../lib/resnet';
import { fixture } from '../image/pictures';
import { root, run, type Ended } from '../support/node';

const folder = mkdtempSync(join(tmpdir(), 'resnet-classify-'));
afterAll(() => rmSync(folder, { recursive: true }));

const classify = (...args: string[]): Promise<Ended> =>
  run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), 'classify', ...args]);
const [landscape, small] = ['landscape.jpg', 'small.png'].map(fixture) as [string, string];
const untrained = ['--weights', 'random:1', '--layers', '18'];
const UNTRAINED = /untrained/;

test('text: the picture, then five lines of score and name, without bars where no terminal is', async () => {
  const { code, stdout, stderr } = await classify(small, ...untrained);
  expect(code).toBe(0);
  expect(stderr).toMatch(UNTRAINED);
  expect(stdout.split('\n')[0]).toBe(small);
  expect(stdout).toMatch(/^[^\n]+\n(?: {2} *\d+\.\d\d % {2}\S[^\n\u2588\u2591]*\n){5}$/);
});

test('JSON: what the classifier answers', async () => {
  const { code, stdout } = await classify(landscape, small, ...untrained, '--format', 'json', '--top', '3');
  expect(code).toBe(0);
  using classifier = await ImageClassifier.create({ weights: 'random:1', layers: 18 });
  const answers = await classifier.classify([landscape, small], { topK: 3 });
  const expected = [landscape, small].map((image, i) => ({
    image,
    predictions: answers[i]!.map(({ label, index, score }) => ({ label, index, score: expect.closeTo(score, 5) })),
  }));
  expect(JSON.parse(stdout)).toEqual(expected);
});

test('more pictures than a batch holds, in their order', async () => {
  const pictures = Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? small : landscape));
  const { code, stdout } = await classify(...pictures, ...untrained, '--format', 'json', '--top', '1');
  expect(code).toBe(0);
  expect((JSON.parse(stdout) as { image: string }[]).map(({ image }) => image)).toEqual(pictures);
});

test('trained weights and labels from files', async () => {
  const [weights, labels] = [join(folder, 'net.safetensors'), join(folder, 'labels.txt')];
  using network = new ResNet(18, 3, { seed: 1 });
  await network.save(weights);
  writeFileSync(labels, 'cat\ndog\ncow\n');
  const args = ['--weights', weights, '--labels', labels, '--threads', '1', '--format', 'json'];
  const { code, stdout, stderr } = await classify(small, ...args);
  expect([code, stderr]).toEqual([0, '']);
  const [{ predictions }] = JSON.parse(stdout) as [{ predictions: { label: string; index: number }[] }];
  expect(predictions.map(({ label }) => label).sort()).toEqual(['cat', 'cow', 'dog']);
  for (const { label, index } of predictions) expect(label).toBe(['cat', 'dog', 'cow'][index]);
});

test('a bad picture does not stop the others', async () => {
  const [text, missing] = [join(folder, 'text.jpg'), join(folder, 'missing.jpg')];
  writeFileSync(text, 'no picture');
  const { code, stdout, stderr } = await classify(text, small, missing, landscape, ...untrained, '--format', 'json');
  expect(code).toBe(1);
  expect((JSON.parse(stdout) as { image: string }[]).map(({ image }) => image)).toEqual([small, landscape]);
  expect(stderr).toContain(`resnet: a picture must be a JPEG, PNG, WebP, TIFF or GIF picture, but got "${text}"`);
  expect(stderr).toContain(`resnet: a picture must be a readable file, but got "${missing}"`);
});

test.each<[string, string[], number, RegExp]>([
  ['no weights', [small], 2, /--weights FILE.*--weights random/],
  ['no picture', [...untrained], 2, /picture/],
  ['an unknown depth', [small, '--weights', 'random', '--layers', '20'], 2, /but input layer is 20\./],
  ['--top 0', [small, ...untrained, '--top', '0'], 2, /--top/],
  ['--top beyond the classes', [small, ...untrained, '--top', '1001'], 2, /topK .* 1 to 1000/],
  ['--format xml', [small, ...untrained, '--format', 'xml'], 2, /text, json/],
  ['an unknown option', [small, ...untrained, '--size', '3'], 2, /--size/],
  ['a bad device', [small, ...untrained, '--device', 'gpu'], 2, /gpu/],
  ['an unsupported dtype', [small, ...untrained, '--dtype', 'int8'], 2, /float32.*int8/],
  ['a bad seed', [small, '--weights', 'random:x'], 2, /random:SEED/],
  ['missing weights', [small, '--weights', join(folder, 'none.safetensors')], 1, /none\.safetensors/],
])('%s', async (_, args, expected, message) => {
  const { code, stdout, stderr } = await classify(...args);
  // Together, so that a wrong code shows what was said.
  expect({ code, stdout, stderr }).toEqual({ code: expected, stdout: '', stderr: expect.stringMatching(message) });
  expect(stderr).not.toMatch(/\n {4}at /);
});
