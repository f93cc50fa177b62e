import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run, runScript, type Ended } from '../support/node';
import { answer, consumers } from './consumers';
import { env, INSTALL_FLAGS, npm, pack, type Packed } from './npm';

/** Above what two busy cores without ccache take for the addon. */
const BUILD = 15 * 60_000;

let folder: string;
let packed: Packed;
const app = (...parts: string[]): string => join(folder, 'app', ...parts);

const node = (file: string): Promise<Ended> => run(process.execPath, [file], { cwd: app(), env });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'resnet-package-'));
  packed = await pack(folder);
  mkdirSync(app());
  writeFileSync(app('package.json'), JSON.stringify({ name: 'app', private: true }));
  for (const [file, source] of Object.entries(consumers)) writeFileSync(app(file), source);
  await npm(['install', ...INSTALL_FLAGS, join(folder, packed.filename)], app());
}, BUILD);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the package holds what a user needs to build and run it, and nothing else', () => {
  const paths = packed.files.map(({ path }) => path);
  expect([...new Set(paths.map((path) => path.split('/')[0]))].sort()).toEqual([
    'ARCHITECTURE.md',
    'CHANGELOG.md',
    'CMakeLists.txt',
    'LICENSE',
    'README.md',
    'binding.gyp.md',
    'cmake',
    'dist',
    'native',
    'package.json',
    'scripts',
  ]);
  expect(paths).toEqual(
    expect.arrayContaining([
      'dist/index.js',
      'dist/index.d.ts',
      'dist/esm.mjs',
      'dist/esm.d.mts',
      'scripts/install.js',
    ]),
  );
  expect(paths.filter((path) => /\.test\.|\.node$/.test(path))).toEqual([]);
});

test('nothing in dist/ is left over from a source that is gone', () => {
  const compiled = packed.files.map(({ path }) => path).filter((path) => path.startsWith('dist/'));
  const source = (path: string): string[] => {
    const stem = path.replace(/^dist/, 'lib').replace(/(\.d)?\.[cm]?[jt]s$/, '');
    return [path.replace(/^dist/, 'lib'), `${stem}.ts`, `${stem}.mts`];
  };
  // Mended by removing dist/ and compiling anew.
  expect(compiled.filter((path) => !source(path).some((file) => existsSync(join(root, file))))).toEqual([]);
});

describe('before the addon is built (--ignore-scripts)', () => {
  test.each(['unbuilt.cjs', 'unbuilt.mjs'])('%s: importing works, the first use says what to do', async (file) => {
    expect(existsSync(app('node_modules', 'libtorch-resnet', 'build'))).toBe(false);
    const { stderr, ...ended } = await node(app(file));
    expect({ ...ended, stderr }).toMatchObject({ code: 0, stderr: '' });
    const { code, message } = JSON.parse(ended.stdout);
    expect(code).toBe('ERR_ADDON_MISSING');
    expect(message).toContain('npm rebuild libtorch-resnet');
  });
});

describe('after npm rebuild libtorch-resnet', () => {
  // In a process of its own, as theirs are: here an earlier test may have made inference threads with fewer inside.
  let ours: Ended;
  beforeAll(async () => {
    ours = await runScript(`
      const { createHash } = require('node:crypto');
      const { ResNet, Tensor } = require('./dist');
      ${answer}`);
  });

  test(
    'it is built',
    async () => {
      await npm(['rebuild', 'libtorch-resnet', '--foreground-scripts'], app());
      expect(existsSync(app('node_modules', 'libtorch-resnet', 'build', 'Release', 'resnet.node'))).toBe(true);
    },
    BUILD,
  );

  test.each(['consumer.cjs', 'consumer.mjs', 'mixed.mjs', 'worker.mjs'])('%s answers as we do', async (file) => {
    expect(ours.stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect(await node(app(file))).toEqual({ code: 0, signal: null, stdout: ours.stdout, stderr: '' });
  });

  test('its server answers its client', async () => {
    expect(await node(app('served.mjs'))).toEqual({ code: 0, signal: null, stdout: '1,1000\n', stderr: '' });
  });

  test("Node's own test runner runs it", async () => {
    const ended = await run(process.execPath, ['--test', '--test-reporter=tap'], { cwd: app(), env });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/^# pass 1$/m);
    expect(ended.stdout).toMatch(/^# fail 0$/m);
  });

  test("npx resnet summary 50 prints the article's table to the byte", async () => {
    const article = readFileSync(join(root, 'test', 'fixtures', 'summary', 'article.resnet50.txt'), 'utf8');
    const ended = await run('npx', ['--no', 'resnet', 'summary', '50'], { cwd: app(), env });
    expect(ended).toEqual({ code: 0, signal: null, stdout: article, stderr: '' });
  });
});

test('the types compile in a strict project, from CommonJS and from ESM', async () => {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const types = join(root, 'node_modules', '@types');
  const flags = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--lib',
    'es2023,esnext.disposable',
  ];
  const args = [tsc, ...flags, '--typeRoots', types, '--types', 'node', app('typed.cts'), app('typed.mts')];
  expect(await run(process.execPath, args, { cwd: app(), env })).toMatchObject({ code: 0, stdout: '', stderr: '' });
});
