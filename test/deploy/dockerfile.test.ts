import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { temporaryFolder } from '../support/files';
import { freePort } from '../support/free-port';
import { root, run } from '../support/node';
import { argumentsOf, build, execForm, type Image } from './image';

/**
 * The Dockerfile without a container engine: its text, and each of its steps executed in a folder. The steps take a
 * while, so they need REQUIRE_DEPLOY=1 (.ci/run), which uses the addon that is already built; TEST_LONG=1 builds it too.
 */
const long = process.env.TEST_LONG === '1';
const stepByStep = long || process.env.REQUIRE_DEPLOY === '1' ? describe : describe.skip;

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const ci = readFileSync(join(root, '.ci', 'run'), 'utf8');

describe('the text', () => {
  test('installs the Debian packages of .ci/packages, and none in the last stage', () => {
    expect(argumentsOf('RUN', 0)[0]).toBe('.ci/packages build');
    expect(argumentsOf('RUN', 1)).toEqual([]);
  });

  test('builds the addon with the script of npm install', () => {
    expect(argumentsOf('RUN')).toContain('npm run build:native');
    expect(manifest.scripts['build:native']).toBe(manifest.scripts.install);
    expect(ci).toMatch(/^npm install --foreground-scripts$/m);
  });

  test('a numeric user that is not root; a tested Node; no shell before the server', () => {
    expect(argumentsOf('USER')).toEqual(['1000:1000']);
    const version = argumentsOf('ARG').join().replace('NODE=', '');
    const workflow = readFileSync(join(root, '.github', 'workflows', 'ci.yml'), 'utf8');
    expect(/node: \[(.*)\]/.exec(workflow)![1]!.split(', ')).toContain(version);
    expect(argumentsOf('FROM').every((image) => image.startsWith('node:${NODE}-bookworm-slim'))).toBe(true);
    expect(execForm('ENTRYPOINT')).toEqual(['node', '/app/dist/cli/main.js']);
    expect(execForm('CMD')).toEqual(['serve']);
  });
});

stepByStep('its steps', () => {
  const folder = temporaryFolder();
  let image: Image;

  beforeAll(async () => {
    chmodSync(folder, 0o755); // readable for another user
    image = await build(folder, (command, stage) => {
      if (command !== 'npm run build:native') return false;
      const libtorch = join(root, 'build', 'libtorch.json');
      const { folder: found } = JSON.parse(readFileSync(libtorch, 'utf8'));
      const place = join(stage, 'opt', 'libtorch-resnet', dirname(relative(dirname(dirname(found)), found)));
      if (long) {
        // Puts what the build would download into its cache.
        cpSync(dirname(found), place, { recursive: true, verbatimSymlinks: true });
        return false;
      }
      mkdirSync(join(stage, 'app', 'build', 'Release'), { recursive: true });
      mkdirSync(place, { recursive: true });
      for (const file of ['libtorch.json', 'Release/resnet.node']) {
        cpSync(join(root, 'build', file), join(stage, 'app', 'build', file));
      }
      return true;
    });
  }, 1_200_000);

  let server: ChildProcess | undefined;
  afterAll(() => server?.kill('SIGKILL'));

  const files = (): string[] => readdirSync(image.folder, { recursive: true, encoding: 'utf8' });
  const [command, ...args] = execForm('ENTRYPOINT');
  const env = (): NodeJS.ProcessEnv => ({ PATH: process.env.PATH, ...image.env });
  // As root, run as another user without write access; the addon built before lies in root's home.
  const user = long && process.getuid?.() === 0 ? { uid: 1000, gid: 1000 } : {};
  const start = (more: readonly string[], extra: NodeJS.ProcessEnv = {}): ChildProcess =>
    spawn(command!, [...args.map((word) => image.inside(word)), ...more], { env: { ...env(), ...extra }, ...user });

  test('no build tools are left', () => {
    const modules = readdirSync(join(image.folder, 'app', 'node_modules'));
    expect(modules).toEqual(expect.arrayContaining(['fastify', 'sharp']));
    for (const name of ['cmake-js', 'node-addon-api', 'typescript', 'jest']) expect(modules).not.toContain(name);
    expect(readdirSync(join(image.folder, 'app')).sort()).toEqual(['build', 'dist', 'node_modules', 'package.json']);
    expect(files().filter((path) => /\/torch\/include(\/|$)|\.(cpp|o|a)$/.test(path))).toEqual([]);
  });

  test('contains every library that it needs, but those that Node needs too', async () => {
    const packageOf = async (path: string): Promise<string> => {
      const found = await run('dpkg', ['-S', path.replace(/^(?!\/usr)/, '/usr')]);
      const { stdout } = found.code === 0 ? found : await run('dpkg', ['-S', path]);
      return stdout.split(':')[0]!;
    };
    const needed = async (path: string): Promise<string[]> => {
      const { stdout } = await run('ldd', [path]);
      expect(stdout).not.toMatch(/not found/);
      return [...stdout.matchAll(/=> (\/\S+)/g)].map(([, found]) => found!);
    };
    const outside = (path: string): boolean => !/libtorch-resnet|\/app\/node_modules\//.test(path);
    const packagesOf = async (path: string): Promise<string[]> =>
      Promise.all((await needed(path)).filter(outside).map(packageOf));
    const ofNode = new Set(await packagesOf(process.execPath));
    expect([...ofNode].sort()).toEqual(['libc6', 'libgcc-s1', 'libstdc++6']);
    const binaries = files().filter((path) => /\.node$|\.so(\.\d+)*$/.test(path) && !path.includes('musl'));
    expect(binaries.some((path) => path.endsWith('resnet.node'))).toBe(true);
    for (const path of binaries) {
      const all = await packagesOf(join(image.folder, path));
      expect([path, all.filter((name) => !ofNode.has(name))]).toEqual([path, []]);
    }
  });

  test('runs --help', async () => {
    const child = start(['serve', '--help']);
    let text = '';
    child.stdout!.on('data', (data) => (text += String(data)));
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect([code, text]).toEqual([0, expect.stringMatching(/^Usage: resnet serve/)]);
  });

  test('serves, is healthy, and exits with 0 on SIGTERM', async () => {
    const port = await freePort();
    const extra = { RESNET_PORT: String(port) };
    const child = (server = start(['serve', '--weights', 'random', '--layers', '18'], extra));
    const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve([code, signal])));
    let log = '';
    child.stderr!.on('data', (data) => (log += String(data)));
    await new Promise((resolve, reject) => {
      child.stdout!.once('data', resolve);
      child.on('close', () => reject(new Error(log)));
    });
    const [probe, ...words] = execForm('HEALTHCHECK');
    const probed = await run(probe!, words, { env: { ...env(), ...extra } });
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    const after = await run(probe!, words, { env: { ...env(), ...extra } });
    expect([probed.code, after.code]).toEqual([0, 1]);
  });

  test('has the folder for weights', () => {
    expect(existsSync(image.env.LIBTORCH_RESNET_CACHE!)).toBe(true);
  });
});
