import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Explains in a message for people why the addon cannot be loaded, and what to do about it.
 *
 * @param packageFolder - where the package should be; elsewhere if a bundler has moved this code
 * @param addonPath - the file that was to be loaded
 */
export function explainLoadFailure(error: NodeJS.ErrnoException, packageFolder: string, addonPath: string): string {
  if (!isOurPackage(packageFolder)) return BUNDLED;
  const missing = error.code === 'MODULE_NOT_FOUND';
  if (missing && !existsSync(join(packageFolder, 'scripts', 'install.js'))) return incomplete(packageFolder);
  const lines = missing
    ? [
        `The native addon is not built: ${addonPath} does not exist.`,
        'Its install script did not run (--ignore-scripts, or npm asked for an approval that was not given).',
      ]
    : [
        `The native addon ${addonPath} is there but cannot be loaded: ${error.message}`,
        'It was probably built against a libtorch that has moved or for another machine.',
        ...otherLibtorch(packageFolder),
      ];
  return [
    ...lines,
    'To build it: npm rebuild libtorch-resnet --foreground-scripts (in a clone: npm run build:native).',
    'To see what is missing: npx resnet doctor.',
  ].join('\n');
}

function isOurPackage(folder: string): boolean {
  try {
    const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: unknown };
    return name === 'libtorch-resnet';
  } catch {
    return false;
  }
}

/** docs/install.md has these lines, too. */
const BUNDLED = [
  'libtorch-resnet was bundled into another file, from where it cannot find its native addon. Keep it out of the bundle,',
  'so that it is loaded from node_modules at run time:',
  '  esbuild   --external:libtorch-resnet',
  "  webpack   externals: { 'libtorch-resnet': 'commonjs libtorch-resnet' }",
  "  Next.js   serverExternalPackages: ['libtorch-resnet'] in next.config.js",
  "  Vite SSR  ssr: { external: ['libtorch-resnet'] }",
  '  Rollup    external: [/^libtorch-resnet/]',
  "webpack takes each entry by its name: add the same line for 'libtorch-resnet/serve', '/client' and '/train', if you use them.",
].join('\n');

/** What a tool leaves that copies only the files it can see an import of, as Next's standalone output. */
function incomplete(folder: string): string {
  return [
    `The native addon is not built in ${folder}, which is only a part of the package: a tool has copied the files whose`,
    'imports it found. Have it copy the whole folder node_modules/libtorch-resnet, build/ included',
    "(Next.js: outputFileTracingIncludes: { '/*': ['./node_modules/libtorch-resnet/**'] }).",
  ].join('\n');
}

/** A line for the first folder of the loader's search path that has a libtorch other than ours. */
function otherLibtorch(packageFolder: string): string[] {
  const [variable, libraries] =
    process.platform === 'darwin'
      ? ['DYLD_LIBRARY_PATH', ['libtorch_cpu.dylib', 'libc10.dylib']]
      : ['LD_LIBRARY_PATH', ['libtorch_cpu.so', 'libc10.so']];
  const ours = canonical(join(builtWith(packageFolder), 'lib'));
  for (const folder of process.env[variable]?.split(delimiter) ?? []) {
    const library = libraries.find((name) => existsSync(join(folder, name)));
    if (library === undefined || canonical(folder) === ours) continue;
    return [
      `${variable} has a folder with another libtorch: ${join(folder, library)}. Remove ${folder} from the variable, or unset it.`,
    ];
  }
  return [];
}

function builtWith(packageFolder: string): string {
  try {
    const text = readFileSync(join(packageFolder, 'build', 'libtorch.json'), 'utf8');
    return (JSON.parse(text) as { folder: string }).folder;
  } catch {
    return '';
  }
}

function canonical(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}
