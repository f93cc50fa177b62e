import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { fixture } from './image/pictures';
import { root, run } from './support/node';
import { describeWithRedis, RedisServer } from './support/redis';

/** Inside the package, where the name libtorch-resnet means the package itself. */
let folder: string;
beforeAll(() => {
  mkdirSync(join(root, 'build'), { recursive: true });
  folder = mkdtempSync(join(root, 'build', 'examples-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function written(name: string, source: string): string {
  const file = join(folder, name);
  writeFileSync(file, source);
  return file;
}

const example = (name: string): string => join(root, 'examples', name);
const picture = fixture('small.png');
const threeLabels = /small\.png:? \S.* 0\.\d{3}, \S.* 0\.\d{3}, \S.* 0\.\d{3}$/m;

describe('types', () => {
  const config = ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.json'), undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (problem) => {
      throw new Error(ts.flattenDiagnosticMessageText(problem.messageText, '\n'));
    },
  })!;

  /** What the compiler says of each file, the package being lib/ as it is now. */
  function errors(files: readonly string[], options: ts.CompilerOptions = {}): string[] {
    const paths = Object.fromEntries(
      ['', '/serve', '/client', '/train'].map((part) => [
        `libtorch-resnet${part}`,
        [join(root, 'lib', part, 'index.ts')],
      ]),
    );
    const program = ts.createProgram(files, { ...config.options, noUnusedLocals: false, paths, ...options });
    return files.flatMap((file) => {
      const source = program.getSourceFile(file);
      const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
      return found.map((one) => `${basename(file)}: ${ts.flattenDiagnosticMessageText(one.messageText, '\n')}`);
    });
  }

  const names = readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' });

  test('the examples in TypeScript, and the complete programs of the documents, which other blocks continue', () => {
    const documents = ['README.md', ...readdirSync(join(root, 'docs')).map((file) => join('docs', file))];
    const programs = documents.flatMap((document) =>
      [...readFileSync(join(root, document), 'utf8').matchAll(/^```ts\n(import [^]*?)^```$/gm)].map(([, code], i) =>
        written(`${basename(document, '.md')}-${i + 1}.mts`, code!),
      ),
    );
    const examples = names.filter((name) => /\.m?ts$/.test(name)).map(example);
    expect([programs.length > 1, examples.length > 1]).toEqual([true, true]);
    const wrong = written('wrong.mts', readFileSync(example('classify.mts'), 'utf8').replace('topK: 3', 'top: 3'));
    const found = errors([...examples, ...programs, wrong]);
    expect(found.filter((error) => !error.startsWith('wrong.mts'))).toEqual([]);
    expect(found.join()).toContain("'top' does not exist"); // a wrong option is found
  });

  test('the examples in JavaScript use the package as it is typed', () => {
    const scripts = names.filter((name) => name.endsWith('.mjs') && name !== 'scene.mjs').map(example);
    expect(errors(scripts, { allowJs: true, checkJs: true, strict: false })).toEqual([]);
  });
});

test('esbuild.mjs bundles classify.mts, which names pictures and says which one it cannot read', async () => {
  const bundle = join(folder, 'classify.mjs');
  expect(await run(process.execPath, [example('esbuild.mjs'), bundle])).toMatchObject({ code: 0, stderr: '' });
  const { code, stdout, stderr } = await run(process.execPath, [bundle, 'random:1', picture, 'missing.jpg']);
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^image\[1\] .*missing\.jpg.*\n$/)]);
  expect(stdout).toMatch(/^.*small\.png\n(?: {0,4}\d+\.\d % {2}\S.*\n){3}missing\.jpg\n$/);
});

test('worker.mjs', async () => {
  const { code, stdout, stderr } = await run(process.execPath, [example('worker.mjs'), picture, 'missing.jpg']);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(threeLabels);
  expect(stdout).toMatch(/^missing\.jpg ERR_FILE: /m);
});

test.each([
  ['express.mjs', '/classify', (answer: any) => answer],
  ['fastify.mjs', '/vision/classify?top=3', (answer: any) => answer.results[0].predictions],
])('%s', async (name, path, predictions) => {
  const child = spawn(process.execPath, [example(name)], { env: { ...process.env, PORT: '0' } });
  try {
    let log = '';
    child.stderr.on('data', (data) => (log += String(data)));
    child.on('close', () => child.stdout.destroy(new Error(log)));
    const [url] = await once(child.stdout.setEncoding('utf8'), 'data');
    const post = (body: string | Uint8Array<ArrayBuffer>): Promise<Response> =>
      fetch(`${String(url).trim()}${path}`, { method: 'POST', headers: { 'Content-Type': 'image/png' }, body });
    const answered = await post(new Uint8Array(readFileSync(picture)));
    expect([answered.status, predictions(await answered.json())]).toMatchObject([200, [{ index: 728 }, {}, {}]]);
    const refused = await post('no picture');
    expect([refused.status, await refused.json()]).toMatchObject([400, { code: 'ERR_IMAGE' }]);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  } finally {
    child.kill('SIGKILL');
  }
});

test('nextjs/route.ts', async () => {
  const { outputText } = ts.transpileModule(readFileSync(example('nextjs/route.ts'), 'utf8'), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  written('route.mjs', outputText);
  expect(
    await answers(
      'route.mjs',
      `
    const post = async (body) => {
      const response = await POST(new Request('http://a/api/classify', { method: 'POST', body }));
      return [response.status, await response.json()];
    };
    return [await post(picture), await post('no picture')];`,
    ),
  ).toMatchObject([
    [200, [{ index: 728 }, {}, {}]],
    [400, { code: 'ERR_IMAGE' }],
  ]);
});

test('lambda.mjs', async () => {
  copyFileSync(example('lambda.mjs'), join(folder, 'lambda.mjs'));
  expect(
    await answers(
      'lambda.mjs',
      `
    const context = (ms) => ({ getRemainingTimeInMillis: () => ms });
    const event = { body: picture.toString('base64'), isBase64Encoded: true };
    const all = [await handler(event, context(10_000)), await handler({ body: 'x' }, context(10_000)), await handler(event, context(0))];
    return all.map(({ statusCode, body }) => [statusCode, JSON.parse(body)]);`,
    ),
  ).toMatchObject([
    [200, [{ index: 728 }, {}, {}]],
    [400, { code: 'ERR_IMAGE' }],
    [504, { code: 'ERR_TIMEOUT' }],
  ]);
});

/** What `source` returns in a process of its own, with all that a module in the folder exports. */
async function answers(module: string, source: string): Promise<unknown> {
  const script = `
    import { readFileSync } from 'node:fs';
    import * as exported from ${JSON.stringify(join(folder, module))};
    const { POST, handler } = exported;
    const picture = readFileSync(${JSON.stringify(picture)});
    console.log(JSON.stringify(await (async () => { ${source} })()));`;
  const { code, stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script]);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

describeWithRedis('with Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await RedisServer.start(folder);
  });
  afterAll(() => redis.kill());

  test('bullmq.mjs', async () => {
    const env = { REDIS_URL: redis.url };
    const { code, stdout, stderr } = await run(process.execPath, [example('bullmq.mjs'), picture, 'missing.jpg'], {
      env,
    });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^.*small\.png: .* 0\.\d{3}\nmissing\.jpg: failed, image must be a readable file/);
  });
});

test('the scene of npm start is the same for the same seed', async () => {
  const script = `
    import { scene } from './examples/scene.mjs';
    const [one, same, other] = [7, 7, 8].map(scene);
    console.log([same, other].map((pixels) => Buffer.compare(one, pixels) === 0).join());`;
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script]);
  expect([stdout, stderr]).toEqual(['true,false\n', '']);
});
