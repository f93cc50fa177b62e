import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root, run, type Ended } from '../support/node';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'resnet-ci-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const found = (text: RegExp): string[] =>
  [...readFileSync(join(root, '.ci', 'run'), 'utf8').matchAll(text)].map(([, name]) => name!);
/** What .ci/run looks for, and Debian's packages that have it. */
const tools = ['python3', ...found(/^ +has (\S+) \|\| wanted/gm)];
const packages = found(/ wanted\+=\(([^\s()]+)\)/g);

function standIn(tool: string, script: string): void {
  writeFileSync(join(folder, tool), `#!/usr/bin/env bash\n${script}\n`);
  chmodSync(join(folder, tool), 0o755);
}

/**
 * Runs .ci/run with a stand-in for npm, whose `npm test` is `script`; the tools that it looks for are there, so that it
 * has no reason to call apt-get.
 */
function ci(script: string): Promise<Ended> {
  standIn('npm', `[ "$1" = test ] || exit 0\n${script}`);
  standIn('apt-get', `touch '${join(folder, 'apt-get was called')}'`);
  // A g++ that ended before it has read would break the pipe that it is asked through.
  for (const tool of tools) standIn(tool, tool === 'g++' ? 'cat >/dev/null' : '');
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
  expect(existsSync(join(folder, 'apt-get was called'))).toBe(false);
});

interface Job {
  if?: string;
  strategy: { matrix: Record<string, unknown[]> };
  steps: { name?: string; run?: string }[];
}
const { jobs, on } = parse(readFileSync(join(root, '.github', 'workflows', 'ci.yml'), 'utf8')) as {
  jobs: Record<string, Job>;
  on: { schedule: { cron: string }[] };
};

test.each(['cpu', 'sanitizers'])(
  'the job %s has what .ci/run looks for, which installs nothing without root',
  (job) => {
    expect(packages).toEqual(expect.arrayContaining(['g++', 'redis-server', 'libgtest-dev']));
    const onTheImage = ['chromium', 'golang-go'];
    const command = jobs[job]!.steps.find(({ name }) => name === 'Tools')!.run!;
    const installed = command.split(' --no-install-recommends ')[1]!.split(' ');
    expect(installed.sort()).toEqual(packages.filter((name) => !onTheImage.includes(name)).sort());
  },
);

test('once a week the tests run under the sanitizers', () => {
  expect(on.schedule.map(({ cron }) => cron)).toEqual([expect.stringMatching(/^\d+ \d+ \* \* [0-6]$/)]);
  const { if: when, strategy, steps } = jobs.sanitizers!;
  expect(when).toBe("github.event_name == 'schedule'");
  expect(strategy.matrix.sanitizer).toEqual(['asan', 'tsan']);
  expect(steps.at(-1)!.run).toBe('npm run test:${{ matrix.sanitizer }}');
});
