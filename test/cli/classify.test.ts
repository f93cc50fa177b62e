import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImageClassifier, type ImageClassifierOptions } from '../../lib/index';
import { ResNet } from '../../lib/resnet';
import { fixture } from '../image/pictures';
import { root, run, type Ended } from '../support/node';
import { runOnTerminal } from '../support/terminal';

const folder = mkdtempSync(join(tmpdir(), 'resnet-classify-'));
afterAll(() => rmSync(folder, { recursive: true }));

const command = [join(root, 'dist', 'cli', 'main.js'), 'classify'];
const classify = (...args: string[]): Promise<Ended> => run(process.execPath, [...command, ...args]);
const [landscape, small] = ['landscape.jpg', 'small.png'].map(fixture) as [string, string];
const untrained = ['--weights', 'random:1', '--layers', '18'];
const UNTRAINED = /untrained/;

test('text: the picture, then five lines of score and label, without bars if piped', async () => {
  const { code, stdout, stderr } = await classify(small, ...untrained);
  expect(code).toBe(0);
  expect(stderr).toMatch(UNTRAINED);
  expect(stdout.split('\n')[0]).toBe(small);
  expect(stdout).toMatch(/^[^\n]+\n(?: {2} *\d+\.\d\d % {2}\S[^\n\u2588\u2591]*\n){5}$/);
});

test('JSON: the predictions of ImageClassifier', async () => {
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

test('more pictures than one batch, in their order', async () => {
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
  expect(stderr).toContain(`resnet: a picture must be a JPEG, PNG, WebP, TIFF, GIF or AVIF picture, but got "${text}"`);
  expect(stderr).toContain(`resnet: a picture must be a readable file, but got "${missing}"`);
  expect(stderr).toMatch(/\n2 of 4 pictures failed\n$/);
});

test('- is standard input, beside other pictures; ./- is a file', async () => {
  const args = [...command, '-', landscape, ...untrained, '--format', 'json', '--top', '1'];
  const { code, stdout } = await run(process.execPath, args, { input: readFileSync(small) });
  expect(code).toBe(0);
  const [first, second] = JSON.parse(stdout) as { image: string; predictions: object[] }[];
  const [alone] = JSON.parse((await classify(small, ...untrained, '--format', 'json', '--top', '1')).stdout) as [
    { predictions: [{ index: number }] },
  ];
  expect([first!.image, second!.image]).toEqual(['-', landscape]);
  expect(first!.predictions).toMatchObject([{ index: alone.predictions[0].index }]);

  const text = await run(process.execPath, [...command, '-', ...untrained], { input: Buffer.from('no picture') });
  expect([text.code, text.stdout]).toEqual([1, '']);
  expect(text.stderr).toMatch(/a picture must be a JPEG.*10 bytes, which is none/);
  expect((await classify('./-', ...untrained)).stderr).toMatch(/got "\.\/-": ENOENT/);
});

test('no readable picture: an empty JSON array, and no count for a single failure', async () => {
  const { code, stdout, stderr } = await classify(join(folder, 'none', '*.jpg'), ...untrained, '--format', 'json');
  expect([code, stdout]).toEqual([1, '[]\n']);
  expect(stderr).toMatch(/a pattern that some file matches, but got ".*none\/\*\.jpg"\.\n$/);
});

test('folders and patterns, as CSV with one header', async () => {
  const pictures = join(folder, 'pictures');
  mkdirSync(join(pictures, 'more'), { recursive: true });
  for (let i = 10; i < 20; i++) copyFileSync(small, join(pictures, `${i}.png`));
  copyFileSync(landscape, join(pictures, 'more', 'a, "b".jpg'));
  const args = [pictures, join(pictures, '1[01].png'), ...untrained, '--classes', '3', '--top', '1', '--format', 'csv'];
  const { code, stdout } = await classify(...args);
  expect(code).toBe(0);
  const lines = stdout.split('\n');
  expect(lines[0]).toBe('image,rank,label,index,score');
  expect(lines.slice(1, -1)).toHaveLength(13);
  expect(lines[11]).toMatch(/^".*more\/a, ""b""\.jpg",1,class \d,\d,0\.\d+$/);
  expect(lines.slice(12, -1).map((line) => line.replace(/.*(\d\d\.png),1,class \d,\d,0\.\d+$/, '$1'))).toEqual([
    '10.png',
    '11.png',
  ]);
});

test('preprocessing by options', async () => {
  const args = [small, ...untrained, '--top', '1', '--format', 'json'];
  const given = ['--preset', 'timm', '--resize', '250', '--crop', '240'];
  const [{ predictions }] = JSON.parse((await classify(...args, ...given)).stdout) as [{ predictions: unknown }];
  const score = async (preprocess: ImageClassifierOptions['preprocess']): Promise<number> => {
    using classifier = await ImageClassifier.create({ weights: 'random:1', layers: 18, preprocess });
    return (await classifier.classify(small, { topK: 1 }))[0]!.score;
  };
  const expected = await score({ preset: 'timm', resize: 250, crop: 240 });
  expect(predictions).toMatchObject([{ score: expect.closeTo(expected, 6) }]);
  expect(Math.abs((await score({ resize: 250, crop: 240 })) - expected)).toBeGreaterThan(1e-6);
});

/* eslint-disable no-control-regex -- control characters are what these are about */
describe('on a terminal', () => {
  const args = [small, landscape, ...untrained, '--classes', '2'];

  test('bars in eighths, colors, and progress that clears its line', async () => {
    const { code, stdout } = await runOnTerminal(process.execPath, [...command, ...args], { LC_ALL: 'C.UTF-8' });
    expect(code).toBe(0);
    expect(stdout).toMatch(/ {2} *\d+\.\d\d % {2}\x1b\[36m█+[▏▎▍▌▋▊▉]? +\x1b\[39m {2}class [01]\r\n/);
    expect(stdout).toMatch(/░ 0 of 2 pictures, … left/);
    expect(stdout).toMatch(/2 of 2 pictures, 0 s left.*\x1b\[2K$/);
    expect(stdout).not.toContain('\x1b[?'); // terminal modes are left alone
  });

  test('plain ASCII if the locale has no UTF-8, and escaped names', async () => {
    const [labels, named] = [join(folder, 'hostile.json'), join(folder, 'b\x1b[2Jc.png')];
    writeFileSync(labels, JSON.stringify(['cat\x1b[31m', 'dog\r']));
    copyFileSync(small, named);
    const all = [...command, named, ...args, '--labels', labels];
    const { code, stdout } = await runOnTerminal(process.execPath, all, { LC_ALL: 'C', NO_COLOR: '1' });
    expect(code).toBe(0);
    expect(stdout).toMatch(/% {2}#+ +(cat\\x1b\[31m|dog\\r)\r\n/);
    expect(stdout).toMatch(/b\\x1b\[2Jc\.png\r\n/);
    expect(stdout).toMatch(/\. 0 of 3 pictures/);
    expect(stdout.replace(/\x1b([78]|\[1G|\[0K|\[2K)/g, '')).not.toContain('\x1b');
  });
});

/* eslint-enable no-control-regex */

test('control characters in arguments are escaped too', async () => {
  const { code, stderr } = await classify('--\x1b[31m');
  expect(code).toBe(2);
  expect(stderr).toContain("unknown option '--\\x1b[31m'");
});

test.each<[string, string[], number, RegExp]>([
  ['no weights', [small], 2, /--weights FILE.*--weights random/],
  ['no picture', [...untrained], 2, /picture/],
  ['an unknown depth', [small, '--weights', 'random', '--layers', '20'], 2, /but input layer is 20\./],
  ['--top 0', [small, ...untrained, '--top', '0'], 2, /--top/],
  ['--top beyond the classes', [small, ...untrained, '--top', '1001'], 2, /topK .* 1 to 1000/],
  ['--format xml', [small, ...untrained, '--format', 'xml'], 2, /text, json, csv/],
  ['--preset v3', [small, ...untrained, '--preset', 'v3'], 2, /imagenet-v1, imagenet-v2, timm, huggingface/],
  ['--crop-ratio 2', [small, ...untrained, '--crop-ratio', '2'], 2, /above 0 and at most 1/],
  ['--crop 5000', [small, ...untrained, '--crop', '5000'], 2, /preprocess\.crop .* 1 to 4096/],
  ['two sizes', [small, ...untrained, '--resize', '9', '--crop-ratio', '1'], 2, /resize or cropRatio/],
  ['an unknown option', [small, ...untrained, '--size', '3'], 2, /--size/],
  ['a bad device', [small, ...untrained, '--device', 'gpu'], 2, /gpu/],
  ['an unsupported dtype', [small, ...untrained, '--dtype', 'float16'], 2, /float32.*int8.*float16/],
  ['int8 without calibration', [small, ...untrained, '--dtype', 'int8'], 2, /^resnet: calibration must be the path/],
  ['a calibration of no use', [small, ...untrained, '--calibration', small], 2, /^resnet: calibration must be left/],
  ['a job without a list', ['--job', 'a', ...untrained], 2, /--job needs --list FILE/],
  ['a list without a job', ['--list', small, ...untrained], 2, /--list belongs to --job NAME/],
  ['a size without a job', [small, '--shard-size', '9', ...untrained], 2, /--shard-size belongs to --job NAME/],
  ['a job of pictures', [small, '--job', 'a', '--list', small, ...untrained], 2, /from --list alone/],
  ['a job that is printed', ['--job', 'a', '--list', small, '--format', 'csv'], 2, /cannot be used with .*--format/],
  ['a job of a server', ['--job', 'a', '--list', small, '--server', 'http://a'], 2, /cannot be used with .*--server/],
  ['a name of no use', ['--job', 'a:b/c', '--list', small, ...untrained], 2, /letters, digits/],
  ['a job without weights', ['--job', 'a', '--list', small], 2, /--weights FILE.*--weights random/],
  ['random weights in a job', ['--job', 'a', '--list', small, '--weights', 'random'], 2, /'random:SEED' in a job/],
  ['a job of no list', ['--job', 'a', '--list', folder, ...untrained], 1, /^resnet: Cannot read .* it is a directory/],
  ['a bad seed', [small, '--weights', 'random:x'], 2, /random:SEED/],
  ['missing weights', [small, '--weights', join(folder, 'none.safetensors')], 1, /none\.safetensors/],
])('%s', async (_, args, expected, message) => {
  const { code, stdout, stderr } = await classify(...args);
  // In one comparison, so that a wrong code shows stderr.
  expect({ code, stdout, stderr }).toEqual({ code: expected, stdout: '', stderr: expect.stringMatching(message) });
  expect(stderr).not.toMatch(/\n {4}at /);
});
