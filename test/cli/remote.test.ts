import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixture } from '../image/pictures';
import { serve, type Served } from '../serve/support';
import { temporaryFolder, written } from '../support/files';
import { root, run, type Ended } from '../support/node';

const folder = temporaryFolder();
let served: Served;
beforeAll(async () => (served = await serve({ apiKeys: ['a-long-key'] })));

const classify = (args: readonly string[], env: NodeJS.ProcessEnv = { RESNET_API_KEY: 'a-long-key' }): Promise<Ended> =>
  run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), 'classify', ...args], { env });
const [landscape, small] = ['landscape.jpg', 'small.png'].map(fixture) as [string, string];

test('a server classifies the pictures; unreadable ones do not stop the others', async () => {
  const bad = written(folder, 'bad.jpg', readFileSync(landscape).subarray(0, 2000));
  const missing = join(folder, 'missing.jpg');
  const args = [landscape, bad, missing, small, '--server', served.url, '--format', 'json', '--top', '1'];
  const { code, stdout, stderr } = await classify(args);
  expect(code).toBe(1);
  const prediction = { label: 'sum', index: 2, score: expect.any(Number) };
  expect(JSON.parse(stdout)).toEqual([
    { image: landscape, predictions: [prediction] },
    { image: small, predictions: [prediction] },
  ]);
  expect(stderr).toMatch(/bad\.jpg.*cannot be decoded/);
  expect(stderr).toMatch(/missing\.jpg/);
  expect(stderr).toMatch(/2 of 4 pictures failed/);
});

test('an empty picture, and pictures that are too large together, do not stop the others', async () => {
  const empty = written(folder, 'empty.jpg', new Uint8Array());
  const photo = readFileSync(landscape);
  // Decoders ignore bytes after a JPEG's end.
  const large = written(folder, 'large.jpg', Buffer.concat([photo, Buffer.alloc(9_000_000)]));
  const huge = written(folder, 'huge.jpg', Buffer.concat([photo, Buffer.alloc(40_000_000)]));
  const pictures = [small, empty, large, large, huge, large, large, small];
  const { code, stdout, stderr } = await classify([...pictures, '--server', served.url, '--format', 'json']);
  expect(code).toBe(1);
  expect((JSON.parse(stdout) as { image: string }[]).map(({ image }) => image)).toEqual(
    pictures.filter((path) => path !== empty && path !== huge),
  );
  expect(stderr).toMatch(/empty\.jpg.*is empty/);
  expect(stderr).toMatch(/huge\.jpg.*too large/);
  expect(stderr).toMatch(/2 of 8 pictures failed/);
});

test.each<[string, string[], NodeJS.ProcessEnv | undefined, number, RegExp]>([
  ['a wrong key', ['--server', 'URL'], { RESNET_API_KEY: 'another-key' }, 1, /An API key is needed/],
  ['another model', ['--server', 'URL', '--model', 'x'], undefined, 1, /served here: fake/],
  ['nobody there', ['--server', 'http://127.0.0.1:9'], undefined, 1, /Cannot reach http:\/\/127\.0\.0\.1:9/],
  ['no address', ['--server', 'localhost'], undefined, 2, /url must be the address of a server/],
  ['weights too', ['--server', 'URL', '--weights', 'random'], undefined, 2, /--server.*cannot be used with.*--weights/],
])('%s', async (_, args, env, code, message) => {
  const ended = await classify([small, ...args.map((arg) => (arg === 'URL' ? served.url : arg))], env);
  expect(ended).toEqual({ code, signal: null, stdout: '', stderr: expect.stringMatching(message) });
});
