import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ImageClassifier, ResNet, type DownloadProgress } from '../../../lib/index';
import { cachedWeights, weightsFolder } from '../../../lib/weights/published/cache';
import table from '../../../lib/weights/published/catalog.json';
import { fixture } from '../../image/pictures';
import { temporaryFolder } from '../../support/files';
import { fileServer, status, type FileServer } from '../../support/file-server';
import { root, run, type Ended } from '../../support/node';
import { randomTensor } from '../../support/tensors';

/** A network of our own is served under the published names, with its hash put into the catalog. */
const folder = temporaryFolder();
const net = new ResNet(18, 1000, { seed: 7 });
const [small, NAME] = [table.find(({ layers }) => layers === 18)!, 'resnet18-f37072fd.pth'];
let [server, cache, count]: [FileServer, string, number] = [undefined as never, '', 0];

beforeAll(async () => {
  const path = join(folder, 'net.safetensors');
  await net.save(path);
  const file = readFileSync(path);
  small.sha256 = createHash('sha256').update(file).digest('hex');
  server = await fileServer(file);
  for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy']) Reflect.deleteProperty(process.env, name);
  process.env.LIBTORCH_RESNET_WEIGHTS_URL = `${server.url}/mirror/`;
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  cache = join(folder, `cache${count++}`);
  process.env.LIBTORCH_RESNET_CACHE = cache;
  server.requests.length = 0;
});

const x = randomTensor([1, 3, 32, 32]);

test('ResNet.load downloads into the cache, once', async () => {
  const seen: DownloadProgress[] = [];
  for (const name of ['IMAGENET1K_V1', 'DEFAULT'] as const) {
    using loaded = await ResNet.load(name, { layers: 18, onProgress: (progress) => seen.push(progress) });
    expect((await loaded.forward(x)).data).toEqual(net.forwardSync(x).data);
  }
  expect(server.requests.map(({ url }) => url)).toEqual([`/mirror/${NAME}`]);
  expect(readdirSync(join(cache, 'weights'))).toEqual([NAME]);
  expect(seen.at(-1)).toEqual({ received: server.file.length, total: server.file.length });
});

test('a file that was put there by hand is used', async () => {
  mkdirSync(join(cache, 'weights'), { recursive: true });
  writeFileSync(join(cache, 'weights', NAME), server.file);
  using loaded = await ResNet.load('DEFAULT', { layers: 18 });
  expect(loaded.numClasses).toBe(1000);
  expect(server.requests).toEqual([]);
});

test('./DEFAULT is a file', async () => {
  await expect(ResNet.load('./DEFAULT')).rejects.toMatchObject({ code: 'ERR_FILE' });
  expect(server.requests).toEqual([]);
});

test.each<[any, any, string, RegExp]>([
  ['DEFAULT', {}, 'ERR_ARGUMENT', /^layers must be 18/],
  ['IMAGENET1K_V2', { layers: 34 }, 'ERR_ARGUMENT', /^weights must be 'IMAGENET1K_V1' or 'DEFAULT'/],
  ['DEFAULT', { layers: 18, onProgress: 5 }, 'ERR_ARGUMENT', /^onProgress must be a function, but got 5/],
  ['DEFAULT', { layers: 18, signal: {} }, 'ERR_ARGUMENT', /^signal/],
])('%s, %j', async (weights, options, code, message) => {
  const expected = { code, message: expect.stringMatching(message) };
  await expect(ResNet.load(weights, options)).rejects.toMatchObject(expected);
  await expect(ImageClassifier.create({ weights, ...options })).rejects.toMatchObject(expected);
  expect(server.requests).toEqual([]);
});

test.each(['ftp://127.0.0.1/', 'nowhere'])('a mirror %s', async (mirror) => {
  const before = process.env.LIBTORCH_RESNET_WEIGHTS_URL;
  process.env.LIBTORCH_RESNET_WEIGHTS_URL = mirror;
  const expected = {
    code: 'ERR_ARGUMENT',
    message: expect.stringMatching(/^LIBTORCH_RESNET_WEIGHTS_URL must be an http/),
  };
  await expect(ResNet.load('DEFAULT', { layers: 18 })).rejects.toMatchObject(expected);
  process.env.LIBTORCH_RESNET_WEIGHTS_URL = before;
});

test("an abort rejects with the signal's reason", async () => {
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  await expect(ResNet.load('DEFAULT', { layers: 18, signal })).rejects.toBe(reason);
  await expect(ImageClassifier.create({ weights: 'DEFAULT', layers: 18, signal })).rejects.toBe(reason);
});

test("the name implies preprocessing and labels; the user's settings override them", async () => {
  small.resize = 300; // differs from every default
  try {
    using classifier = await ImageClassifier.create({ weights: 'DEFAULT', layers: 18 });
    expect(classifier.preprocess).toMatchObject({ resize: 300, crop: 224 });
    expect(classifier.labels[1]).toBe('goldfish');
    using own = await ImageClassifier.create({ weights: 'DEFAULT', layers: 18, preprocess: { resize: 100 } });
    expect(own.preprocess).toMatchObject({ resize: 100, crop: 224 });
    using file = await ImageClassifier.create({ weights: join(cache, 'weights', NAME) });
    expect(file.preprocess).toMatchObject({ resize: 256, crop: 224 });
  } finally {
    small.resize = 256;
  }
});

/** Our command line with the same changed table. */
function commandLine(): { args: string[]; env: NodeJS.ProcessEnv } {
  const preload = join(folder, 'preload.cjs');
  const published = JSON.stringify(join(root, 'dist', 'weights', 'published', 'catalog.json'));
  writeFileSync(preload, `require(${published})[0].sha256 = '${small.sha256}';`);
  return {
    args: ['--require', preload, join(root, 'dist/cli/main.js')],
    env: { ...process.env, HTTP_PROXY: '', http_proxy: '', ALL_PROXY: '', all_proxy: '' },
  };
}

describe('resnet classify --weights NAME', () => {
  const picture = fixture('small.png');

  function classify(...more: string[]): Promise<Ended> {
    const { args, env } = commandLine();
    return run(process.execPath, [...args, 'classify', picture, ...more], { env });
  }

  test('downloads, without a progress bar if there is no terminal', async () => {
    const { code, stdout, stderr } = await classify('--weights', 'DEFAULT', '--layers', '18', '--format', 'json');
    expect([code, stderr]).toEqual([0, '']);
    using classifier = await ImageClassifier.create({ weights: 'DEFAULT', layers: 18 });
    const [best] = await classifier.classify(picture);
    expect(JSON.parse(stdout)[0].predictions[0].label).toBe(best!.label);
    expect(server.requests).toHaveLength(1);
  });

  test('defaults to ResNet-50; exits with 1 and one line on what to do', async () => {
    server.next = [status(404)];
    const { code, stdout, stderr } = await classify('--weights', 'IMAGENET1K_V2');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(
      /^resnet: Cannot fetch http:\S+\/mirror\/resnet50-11ad3fa6\.pth: .*404 Not Found.*by hand.*\n$/,
    );
  });

  test('exits with 2 for a name that the depth does not have', async () => {
    const { code, stderr } = await classify('--weights', 'IMAGENET1K_V2', '--layers', '18');
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^resnet: weights must be 'IMAGENET1K_V1' or 'DEFAULT'/)]);
  });
});

describe('resnet serve --weights NAME', () => {
  const serve = (more: string[]): ChildProcess => {
    const line = commandLine();
    const all = [...line.args, 'serve', '--port', '0', '--log-level', 'silent', ...more];
    return spawn(process.execPath, all, { env: line.env });
  };

  test.each<[string, string[]]>([
    ['a flag', ['--weights', 'DEFAULT', '--layers', '18']],
    ['a file', []],
  ])('fetches, and serves what was fetched: %s', async (way, flags) => {
    const config = join(folder, 'config.json');
    writeFileSync(config, JSON.stringify({ models: [{ weights: 'IMAGENET1K_V1', layers: 18 }] }));
    const child = serve(way === 'a flag' ? flags : ['--config', config]);
    const ended = new Promise((resolve) => child.on('close', resolve));
    try {
      let log = '';
      child.stderr!.on('data', (data) => (log += String(data)));
      const said = await Promise.race([new Promise((resolve) => child.stdout!.once('data', resolve)), ended]);
      expect([String(said), log]).toEqual([expect.stringMatching(/^http:/), '']);
      const picture = readFileSync(fixture('small.png'));
      const url = `${String(said).trim()}/classify`;
      const response = await fetch(url, { method: 'POST', body: picture, headers: { 'content-type': 'image/png' } });
      using classifier = await ImageClassifier.create({ weights: 'DEFAULT', layers: 18 });
      const [best] = await classifier.classify(picture);
      expect(JSON.stringify(await response.json())).toContain(JSON.stringify(best!.label));
      expect(server.requests.map(({ url }) => url)).toEqual([`/mirror/${NAME}`]);
    } finally {
      child.kill();
      await ended;
    }
  });

  test.each<[string, string[], RegExp]>([
    ['is ResNet-50 unless told otherwise', ['--weights', 'DEFAULT'], /mirror\/resnet50-11ad3fa6\.pth/],
    ['another model too', ['--model', 'a=IMAGENET1K_V1'], /mirror\/resnet50-0676ba61\.pth/],
  ])('%s', async (_, flags, message) => {
    server.next = [status(404)];
    const child = serve(flags);
    let log = '';
    child.stderr!.on('data', (data) => (log += String(data)));
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect([code, log]).toEqual([1, expect.stringMatching(message)]);
  });
});

test('the folder is in the same cache as libtorch', () => {
  const { cacheFolder } = require('../../../scripts/libtorch/cache') as { cacheFolder: typeof weightsFolder };
  for (const env of [{}, { LIBTORCH_RESNET_CACHE: '' }, { LIBTORCH_RESNET_CACHE: '/elsewhere' }]) {
    expect(weightsFolder(env)).toBe(join(cacheFolder(env), 'weights'));
  }
});

test('lists the files of a folder', () => {
  mkdirSync(cache);
  writeFileSync(join(cache, 'a.pth'), 'abc');
  expect(cachedWeights(cache)).toEqual([{ name: 'a.pth', bytes: 3 }]);
  expect(cachedWeights(join(cache, 'none'))).toEqual([]);
});
