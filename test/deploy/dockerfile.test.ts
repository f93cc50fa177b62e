import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { temporaryFolder } from '../support/files';
import { freePort } from '../support/free-port';
import { root, run } from '../support/node';
import { argumentsOf, build, execForm, type Image } from './image';

/**
 * The Dockerfile without a container engine: each of its steps is carried out in a folder. That takes a while, so it is
 * done only with REQUIRE_DEPLOY=1 (.ci/run), with the addon that is built already, or TEST_LONG=1, which builds it anew.
 */
const long = process.env.TEST_LONG === '1';
const stepByStep = long || process.env.REQUIRE_DEPLOY === '1' ? describe : describe.skip;

test('not root, by number; a Node that CI tests; no shell before the server', () => {
  expect(argumentsOf('USER')).toEqual(['1000:1000']);
  const version = argumentsOf('ARG').join().replace('NODE=', '');
  const workflow = readFileSync(join(root, '.github', 'workflows', 'ci.yml'), 'utf8');
  expect(/node: \[(.*)\]/.exec(workflow)![1]!.split(', ')).toContain(version);
  expect(execForm('ENTRYPOINT')).toEqual(['node', '/app/dist/cli/main.js']);
});

stepByStep('its steps', () => {
  const folder = temporaryFolder();
  let image: Image;

  beforeAll(async () => {
    chmodSync(folder, 0o755); // for a user that is not this one
    image = await build(folder, (command, stage) => {
      if (command !== 'npm run build:native') return false;
      const libtorch = join(root, 'build', 'libtorch.json');
      const { folder: found } = JSON.parse(readFileSync(libtorch, 'utf8'));
      const place = join(stage, 'opt', 'libtorch-resnet', dirname(relative(dirname(dirname(found)), found)));
      if (long) {
        // What the build would fetch, in the cache that it looks into.
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
  // Where this is root it can be somebody else, who may write nothing; the addon built before lies in root's home.
  const user = long && process.getuid?.() === 0 ? { uid: 1000, gid: 1000 } : {};
  const start = (more: readonly string[], extra: NodeJS.ProcessEnv = {}): ChildProcess =>
    spawn(command!, [...args.map((word) => image.inside(word)), ...more], { env: { ...env(), ...extra }, ...user });

  test('nothing that builds is left', () => {
    const modules = readdirSync(join(image.folder, 'app', 'node_modules'));
    expect(modules).toEqual(expect.arrayContaining(['fastify', 'sharp']));
    for (const name of ['cmake-js', 'node-addon-api', 'typescript', 'jest']) expect(modules).not.toContain(name);
    expect(readdirSync(join(image.folder, 'app')).sort()).toEqual(['build', 'dist', 'node_modules', 'package.json']);
    expect(files().filter((path) => /\/torch\/include(\/|$)|\.(cpp|o|a)$/.test(path))).toEqual([]);
  });

  test('every library that is needed comes along, or is one that Node itself needs', async () => {
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

  test('it serves, is healthy, and ends with 0 on SIGTERM', async () => {
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
});
