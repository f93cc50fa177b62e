'use strict';
/**
 * `npm run build:ts`: compiles lib/ and the server's page into a folder beside dist/, and swaps it in whole. Nothing
 * stale is left, and what reads dist/ meanwhile (a server, a test, another build) finds one build or the other.
 */
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
const made = path.join(root, `dist.new-${process.pid}`);
const old = path.join(root, `dist.old-${process.pid}`);
const page = 'serve/page';
const pageBuild = path.join(root, `dist.page-${process.pid}`);

function compile(project, folder) {
  const tsc = require.resolve('typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', project, '--outDir', folder], { cwd: root, stdio: 'inherit' });
}

function swap(attempts = 5) {
  fs.rmSync(old, { recursive: true, force: true });
  try {
    fs.renameSync(path.join(root, 'dist'), old);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  try {
    fs.renameSync(made, path.join(root, 'dist'));
  } catch (error) {
    // Another build put its own there in between.
    if (attempts === 0 || !['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
    swap(attempts - 1);
  }
}

try {
  compile('tsconfig.build.json', made);
  // Elsewhere first: it compiles the files whose types the page imports once more, as ES modules.
  compile('lib/serve/page', pageBuild);
  fs.mkdirSync(path.join(made, page), { recursive: true });
  fs.copyFileSync(path.join(pageBuild, page, 'page.js'), path.join(made, page, 'page.js'));
  for (const file of ['index.html', 'page.css']) {
    fs.copyFileSync(path.join(root, 'lib', page, file), path.join(made, page, file));
  }
  fs.chmodSync(path.join(made, 'cli', 'main.js'), 0o755);
  swap();
} catch (error) {
  if (error.status === undefined) throw error;
  process.exitCode = 1; // the compiler has said why
} finally {
  for (const folder of [made, old, pageBuild]) fs.rmSync(folder, { recursive: true, force: true });
}
