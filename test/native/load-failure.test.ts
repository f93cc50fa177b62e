import { copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type BuildOptions } from 'esbuild';
import { temporaryFolder } from '../support/files';
import { root, run, type Ended } from '../support/node';

const folder = temporaryFolder();
const libtorch = (JSON.parse(readFileSync(join(root, 'build', 'libtorch.json'), 'utf8')) as { folder: string }).folder;
const linux = process.platform === 'linux' ? test : test.skip;

/** Prints the number of classes, or the code and the message of the error. */
const use = `
try {
  console.log(new ResNet(18, 3).numClasses);
} catch ({ code, message }) {
  console.log(code, message);
}`;

describe('bundled', () => {
  const app = join(folder, 'app');
  mkdirSync(join(app, 'node_modules'), { recursive: true });
  symlinkSync(root, join(app, 'node_modules', 'libtorch-resnet'));
  writeFileSync(join(app, 'app.cjs'), `const { ResNet } = require('libtorch-resnet');${use}`);
  writeFileSync(join(app, 'app.mjs'), `import { ResNet } from 'libtorch-resnet';${use}`);

  async function bundled(entry: string, outfile: string, options: BuildOptions): Promise<Ended> {
    const out = join(app, outfile);
    const fixed: BuildOptions = { bundle: true, platform: 'node', logLevel: 'silent' };
    await build({ ...fixed, entryPoints: [join(app, entry)], outfile: out, ...options });
    return run(process.execPath, [out]);
  }

  const withRequire = 'import { createRequire as from } from "node:module"; const require = from(import.meta.url);';
  test.each<[string, string, string, BuildOptions]>([
    ['CommonJS', 'app.cjs', 'out/app.cjs', {}],
    ['ES modules', 'app.mjs', 'out/app.mjs', { format: 'esm', banner: { js: withRequire } }],
    ['minified', 'app.mjs', 'out/small.cjs', { minify: true }],
    ["webpack's and Next's __dirname", 'app.cjs', '.next/server/chunks/1.cjs', { define: { __dirname: '"/"' } }],
  ])('as %s, the error says so and names the line for each bundler', async (_name, entry, outfile, options) => {
    const { stdout, stderr } = await bundled(entry, outfile, options);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^ERR_ADDON_MISSING libtorch-resnet was bundled/);
    for (const line of [
      '--external:libtorch-resnet\n',
      "externals: { 'libtorch-resnet': 'commonjs libtorch-resnet' }",
      "serverExternalPackages: ['libtorch-resnet']",
      "ssr: { external: ['libtorch-resnet'] }",
    ]) {
      expect(stdout).toContain(line);
      expect(readFileSync(join(root, 'docs', 'install.md'), 'utf8')).toContain(line.trim());
    }
    expect(stdout).not.toMatch(/install script|npm rebuild/);
  });

  test('with the line for esbuild it runs', async () => {
    const external = { external: ['libtorch-resnet'] };
    expect(await bundled('app.cjs', 'out/external.cjs', external)).toMatchObject({ stdout: '3\n', stderr: '' });
  });
});

/** A copy of the package with these of its files and folders. */
function packageCopy(name: string, ...parts: string[]): string {
  const copy = join(folder, name, 'node_modules', 'libtorch-resnet');
  for (const part of ['package.json', 'dist', ...parts])
    cpSync(join(root, part), join(copy, part), { recursive: true });
  return copy;
}

const useOf = (copy: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  run(process.execPath, ['-e', `const { ResNet } = require(${JSON.stringify(copy)});${use}`], { env });

test('a copy without build/ and scripts/, as tools make that trace imports', async () => {
  const { stdout } = await useOf(packageCopy('traced'));
  expect(stdout).toMatch(/^ERR_ADDON_MISSING The native addon is not built in .*, which is only a part of the package/);
  expect(stdout).toContain('outputFileTracingIncludes');
});

test('a package whose install script did not run', async () => {
  const { stdout } = await useOf(packageCopy('unbuilt', 'scripts'));
  expect(stdout).toMatch(/^ERR_ADDON_MISSING The native addon is not built[^]*install script[^]*npm rebuild/);
});

describe('LD_LIBRARY_PATH has another libtorch', () => {
  const other = join(folder, 'other');
  mkdirSync(other);
  copyFileSync(join(libtorch, 'lib', 'libgomp.so.1'), join(other, 'libc10.so')); // a library without libtorch's symbols
  writeFileSync(join(other, 'libtorch_cpu.so'), 'not a library');

  linux('ours comes first', async () => {
    const env = { LD_LIBRARY_PATH: other };
    expect(await useOf(root, env)).toEqual({ code: 0, signal: null, stdout: '3\n', stderr: '' });
  });

  linux('where ours is gone, the error names the variable and the folder', async () => {
    const copy = packageCopy('moved', 'build/Release/resnet.node');
    const file = join(copy, 'build', 'Release', 'resnet.node');
    const bytes = readFileSync(file);
    const at = bytes.indexOf(join(libtorch, 'lib'));
    bytes.write('x'.repeat(libtorch.length), at); // the addon's RPATH
    writeFileSync(file, bytes);

    const found = await useOf(copy, { LD_LIBRARY_PATH: `/nowhere:${other}` });
    expect(found.stdout).toMatch(/^ERR_ADDON_MISSING The native addon .* cannot be loaded/);
    expect(found.stdout).toContain(
      `LD_LIBRARY_PATH has a folder with another libtorch: ${other}/libtorch_cpu.so. Remove ${other} from the variable`,
    );
    expect((await useOf(copy, { LD_LIBRARY_PATH: '/nowhere' })).stdout).not.toContain('LD_LIBRARY_PATH');
  });
});
