import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixture } from '../image/pictures';
import { temporaryFolder, written } from '../support/files';
import { root, run, type Ended } from '../support/node';

const main = join(root, 'dist', 'cli', 'main.js');
const folder = temporaryFolder();
const text = (name: string, content: string): string => written(folder, name, Buffer.from(content));
const untrained = ['--weights', 'random:1', '--layers', '18'];

interface Running {
  child: ChildProcess;
  url: string;
  log: () => string;
  ended: Promise<[code: number | null, signal: string | null]>;
}

const children: ChildProcess[] = [];
afterAll(() => children.forEach((child) => child.kill('SIGKILL')));

/** Starts `resnet serve` on a free port; resolves when it answers. */
async function serve(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Running> {
  const all = [main, 'serve', '--port', '0', ...args];
  const child = spawn(process.execPath, all, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let log = '';
  child.stderr.on('data', (data) => (log += String(data)));
  const ended = new Promise<[number | null, string | null]>((resolve) =>
    child.on('close', (code, signal) => resolve([code, signal])),
  );
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (data) => resolve(String(data).trim()));
    child.on('close', () => reject(new Error(`it ended: ${log}`)));
  });
  return { child, url, log: () => log, ended };
}

const classify = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/classify`, {
    method: 'POST',
    body: readFileSync(fixture('landscape.jpg')),
    headers: { 'content-type': 'image/jpeg', ...headers },
  });

test('on SIGTERM a server under load answers all accepted requests and exits with 0', async () => {
  const { child, url, log, ended } = await serve([...untrained, '--max-queue-size', '500']);
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/); // by default this machine only
  expect((await classify(url)).status).toBe(200);
  const statuses: (number | string)[] = [];
  let stop = false;
  const client = async (): Promise<void> => {
    while (!stop) {
      try {
        const response = await classify(url);
        await response.json();
        statuses.push(response.status);
      } catch (error) {
        // Connection refused: the socket was closed. A reset in the middle of a response would be a bug.
        statuses.push(((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? String(error));
        stop = true;
      }
    }
  };
  const clients = Array.from({ length: 16 }, client);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const before = statuses.length;
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  stop = true;
  await Promise.all(clients);
  expect(before).toBeGreaterThan(0);
  expect(statuses.slice(0, before).every((status) => status === 200)).toBe(true);
  // Every request in the server's log was answered; nothing arrived after the socket was closed.
  const answered = statuses.filter((status) => typeof status === 'number');
  expect(answered.length).toBe(log().match(/"msg":"incoming request"/g)!.length - 1); // the first is the health check
  expect(answered.slice(before).filter((status) => status === 200).length).toBeGreaterThanOrEqual(8);
  expect(new Set(answered)).toEqual(new Set(answered.includes(503) ? [200, 503] : [200]));
  expect(log()).toMatch(/untrained/);
});

test('a second signal exits at once', async () => {
  const { child, url, ended } = await serve([...untrained, '--log-level', 'silent']);
  const asked = Array.from({ length: 20 }, () => classify(url).catch(() => undefined));
  await new Promise((resolve) => setTimeout(resolve, 100));
  child.kill('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 30));
  child.kill('SIGINT');
  const [code] = await ended;
  expect([0, 130]).toContain(code); // 0 if the machine was fast enough to answer everything
  await Promise.all(asked);
});

test.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('%s while it loads: the signal is heard, as by the first process of a container', async (signal, code) => {
  // Loading that never ends.
  const model = JSON.stringify(join(root, 'dist', 'serve', 'model.js'));
  const endless = `() => (process.stdout.write('loading'), new Promise(() => setInterval(() => {}, 1000)))`;
  const preload = text('preload.cjs', `require(${model}).loadModels = ${endless};`);
  const child = spawn(process.execPath, ['--require', preload, main, 'serve', ...untrained]);
  children.push(child);
  const ended = new Promise((resolve) => child.on('close', (...how) => resolve(how)));
  const said = await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), ended]);
  expect(String(said)).toBe('loading');
  child.kill(signal);
  expect(await ended).toEqual([code, null]);
});

test('flags override variables, which override the file', async () => {
  const config = text(
    'config.json',
    JSON.stringify({
      models: [{ name: 'mine', weights: 'random', layers: 18 }],
      maxBatchSize: 3,
      maxBodyBytes: 2048,
      logLevel: 'debug',
      cors: ['https://of.file'],
    }),
  );
  const keys = text('keys', '# ours\n a-long-key \n\n');
  const { url, child, ended } = await serve(['--config', config, '--log-level', 'silent'], {
    RESNET_LOG_LEVEL: 'loud',
    RESNET_API_KEY_FILE: keys,
    RESNET_MAX_BODY_BYTES: '5000000',
    RESNET_CORS: 'https://a.example, https://b.example',
  });
  for (const origin of ['https://a.example', 'https://b.example', 'https://of.file']) {
    const { headers } = await fetch(`${url}/v2/health/live`, { headers: { origin } });
    expect(headers.get('access-control-allow-origin')).toBe(origin.endsWith('.file') ? null : origin);
  }
  expect((await fetch(`${url}/v2/models/mine`)).status).toBe(401);
  expect((await classify(url, { authorization: 'Bearer a-long-key' })).status).toBe(200);
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test('several models, to which the flags apply', async () => {
  const args = ['--model', 'a=random:1', '--model', 'b=random:2', '--dtype', 'float32', '--log-level', 'silent'];
  // This port is what Kubernetes sets for a Service named resnet.
  const { url } = await serve(args, { RESNET_STREAMS: '1', RESNET_PORT: 'tcp://10.96.0.10:80' });
  for (const name of ['a', 'b']) expect((await fetch(`${url}/v2/models/${name}`)).status).toBe(200);
  expect((await classify(url)).status).toBe(404);
}, 120_000);

test("the config file's schema is valid JSON Schema and has every setting", async () => {
  const { code, stdout } = await run(process.execPath, [main, 'serve', '--config-schema']);
  const schema = JSON.parse(stdout);
  expect([code, Object.keys(schema.properties)]).toEqual([
    0,
    expect.arrayContaining(['models', 'port', 'host', 'cors', 'maxBatchSize', 'receiveMs', 'tlsCert']),
  ]);
  const Ajv = require('ajv/dist/2020');
  const validate = new Ajv.default({ strict: true }).compile(schema);
  expect(validate({ models: [{ weights: 'random', layers: 50 }], port: 1 })).toBe(true);
  expect(validate({ models: [{ weights: 'random', layers: 20 }] })).toBe(false);
});

const serveOnce = (...args: string[]): Promise<Ended> => run(process.execPath, [main, 'serve', ...args]);

test.each<[string, string[], number, RegExp]>([
  ['no weights', [], 2, /--weights FILE.*--weights random/],
  ['labels of no weights', ['--model', 'a=random', '--labels', 'x'], 2, /belong to --weights/],
  ['a model without a file', ['--model', 'a'], 2, /NAME=FILE/],
  ['a port that is none', [...untrained, '--port', '99999'], 2, /port must be an integer from 0 to 65535/],
  ['a limit out of bounds', [...untrained, '--max-batch-size', '0'], 2, /maxBatchSize must be/],
  ['an origin that is none', [...untrained, '--cors', 'example.org'], 2, /cors must be origins/],
  [
    'a file without keys',
    [...untrained, '--api-key-file', text('none', '# later\n\n')],
    2,
    /apiKeys must be at least one/,
  ],
  ['half of TLS', [...untrained, '--tls-cert', 'x'], 2, /tlsCert and tlsKey belong together/],
  ['a config that is missing', ['--config', join(folder, 'none.json')], 1, /none\.json/],
  ['a config that is no JSON', ['--config', text('bad.json', '{')], 2, /bad\.json must be JSON/],
  ['a setting that is none', ['--config', text('odd.json', '{"prot": 1}')], 2, /odd\.json.*got "prot"/],
  ['weights that are missing', ['--weights', join(folder, 'none.safetensors')], 1, /none\.safetensors/],
  ['an unknown flag', [...untrained, '--workers', '2'], 2, /--workers/],
])('%s', async (_, args, code, message) => {
  const ended = await serveOnce(...args);
  expect(ended).toEqual({ code, signal: null, stdout: '', stderr: expect.stringMatching(message) });
  expect(ended.stderr).not.toMatch(/\n {4}at /);
});

test('the error for a wrong variable names it', async () => {
  const { code, stderr } = await run(process.execPath, [main, 'serve', ...untrained], { env: { RESNET_PORT: 'x' } });
  expect([code, stderr]).toEqual([2, expect.stringMatching(/RESNET_PORT/)]);
});
