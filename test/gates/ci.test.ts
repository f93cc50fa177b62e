import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run, type Ended } from '../support/node';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'resnet-ci-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs .ci/run with a stand-in for npm, whose `npm test` is `script`; the tools that the build needs are there. */
function ci(script: string): Promise<Ended> {
  const npm = join(folder, 'npm');
  writeFileSync(npm, `#!/usr/bin/env bash\n[ "$1" = test ] || exit 0\n${script}\n`);
  chmodSync(npm, 0o755);
  for (const tool of ['python3', 'cmake', 'g++', 'ninja', 'ccache', 'chromium', 'go']) {
    writeFileSync(join(folder, tool), '#!/bin/sh\n');
    chmodSync(join(folder, tool), 0o755);
  }
  const env = { PATH: `${folder}:${process.env.PATH}`, LIBTORCH_RESNET_CACHE: join(folder, 'cache') };
  return run('bash', ['.ci/run'], { cwd: root, env });
}

test.each([
  ['passes', `echo; echo '3 passed, 0 failed, 1 skipped'`, 0, '3 passed, 0 failed, 1 skipped'],
  ['fails in a test', `echo '2 passed, 1 failed, 0 skipped'; exit 1`, 1, '2 passed, 1 failed, 0 skipped'],
  [
    'fails, and npm has the last word',
    `echo '2 passed, 1 failed, 0 skipped'; echo 'npm error' >&2; exit 1`,
    1,
    '2 passed, 1 failed, 0 skipped',
  ],
  ['fails before the tests', `echo 'lint: 1 problem'; exit 2`, 2, '0 passed, 1 failed, 0 skipped'],
  ['counts none', `echo '0 passed, 0 failed, 9 skipped'`, 1, '0 passed, 0 failed, 9 skipped'],
  ['prints nothing', ``, 1, '0 passed, 1 failed, 0 skipped'],
])('a run that %s', async (_name, script, code, counts) => {
  const ended = await ci(script);
  expect([ended.code, ended.stdout.trimEnd().split('\n').at(-1)]).toEqual([code, counts]);
});
