// Bundles an app with esbuild: node examples/esbuild.mjs [OUTFILE], here classify.mts beside this file.
// libtorch-resnet stays external, since a bundle cannot hold its native addon: install it where the bundle runs.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await build({
  entryPoints: [here('classify.mts')],
  outfile: process.argv[2] ?? here('../build/classify.mjs'),
  external: ['libtorch-resnet'], // and its subpaths
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
});
