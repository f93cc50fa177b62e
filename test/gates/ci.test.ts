import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { temporaryFolder } from '../support/files';
import { root, run, type Ended } from '../support/node';

const folder = temporaryFolder();

/** A program of that name in the folder, which comes first on the PATH. */
function standIn(name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/bash\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}

/** Runs .ci/run with a stand-in for npm, whose `npm test` is `script`; nothing is installed. */
function ci(script: string): Promise<Ended> {
  standIn('npm', `[ "$1" = test ] || exit 0\n${script}`);
  standIn('id', 'echo 1000'); // not root: .ci/packages does nothing
  standIn('python3', 'exit 1'); // nor do the tests' own install scripts
  const env = { PATH: `${folder}:${process.env.PATH}`, LIBTORCH_RESNET_CACHE: join(folder, 'cache') };
  return run('bash', ['.ci/run'], { cwd: root, env });
}

test.each([
  ['passes', `echo; echo '3 passed, 0 failed, 1 skipped'`, 0, '3 passed, 0 failed, 1 skipped'],
  ['fails in a test', `echo '2 passed, 1 failed, 0 skipped'; exit 1`, 1, '2 passed, 1 failed, 0 skipped'],
  [
    'fails in a test, and npm has the last word',
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

test.each([
  ['build', 'cmake g++ ninja-build python3-pip'],
  ['', 'cmake g++ ninja-build python3-pip ccache chromium golang-go libgtest-dev redis-server'],
])('.ci/packages %s on an empty machine', async (group, expected) => {
  const log = join(folder, 'installed');
  writeFileSync(log, '');
  standIn('id', 'echo 0');
  standIn('python3', 'exit 1');
  standIn('apt-get', `[ "$1" = install ] && echo "\${@: -1}" >> '${log}'; true`);
  const args = [join(root, '.ci', 'packages'), group].filter(Boolean);
  expect(await run('/bin/bash', args, { env: { PATH: folder } })).toMatchObject({ code: 0, stderr: '' });
  expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual(expected.split(' '));
});

interface Job {
  if?: string;
  strategy: { matrix: Record<string, unknown[]> };
  steps: { run?: string }[];
}

test('once a week the tests run under the sanitizers', () => {
  const { jobs, on } = parse(readFileSync(join(root, '.github', 'workflows', 'ci.yml'), 'utf8')) as {
    jobs: Record<string, Job>;
    on: { schedule: { cron: string }[] };
  };
  expect(on.schedule.map(({ cron }) => cron)).toEqual([expect.stringMatching(/^\d+ \d+ \* \* [0-6]$/)]);
  const { if: when, strategy, steps } = jobs.sanitizers!;
  expect(when).toBe("github.event_name == 'schedule'");
  expect(strategy.matrix.sanitizer).toEqual(['asan', 'tsan']);
  expect(steps.at(-1)!.run).toBe('npm run test:${{ matrix.sanitizer }}');
});
