import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../support/until';
import { run } from '../support/node';

const MOUNT = '/sys/fs/cgroup';
const unified = existsSync(join(MOUNT, 'cgroup.controllers'));

/** Real control groups of this file, by controller; undefined where they may not be made (not root, no controller). */
function groupsOf(limits: Record<string, Record<string, string>>): string[] | undefined {
  const made: string[] = [];
  try {
    if (unified) writeFileSync(join(MOUNT, 'cgroup.subtree_control'), '+cpu +memory');
    for (const [controller, files] of Object.entries(limits)) {
      const folder = join(MOUNT, unified ? '' : controller, `resnet-test-${process.pid}`);
      if (!made.includes(folder)) {
        mkdirSync(folder);
        made.push(folder);
      }
      for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
    }
    return made;
  } catch {
    for (const folder of made) rmdirSync(folder);
    return undefined;
  }
}

const GIB = String(2 ** 30);
const groups = groupsOf(
  unified
    ? { memory: { 'memory.max': GIB }, cpu: { 'cpu.max': '100000 100000' } }
    : {
        memory: { 'memory.limit_in_bytes': GIB },
        cpu: { 'cpu.cfs_period_us': '100000', 'cpu.cfs_quota_us': '100000' },
      },
);
afterAll(() =>
  until(() => {
    try {
      for (const folder of groups ?? []) if (existsSync(folder)) rmdirSync(folder);
      return true;
    } catch {
      return false; // the last process has not left it yet
    }
  }),
);

(groups === undefined ? test.skip : test)('in a control group of one core and 1 GiB', async () => {
  const script = `
    const { BasicBlock, Tensor } = require('./dist');
    const { addon } = require('./dist/native/addon');
    const x = new Tensor(new Float32Array(2 ** 20), [1, 1, 2 ** 10, 2 ** 10]);
    const wide = new BasicBlock(1, 512, 1, { seed: 1 }); // maps of 2 GiB
    const small = new BasicBlock(1, 1, 1, { seed: 1 });
    console.log(addon().threads().cores);
    wide.forward(x).catch(({ code, message }) => console.log(code, message))
      .then(async () => console.log((await small.forward(x)).size));
  `;
  const enter = groups!.map((folder) => `echo $$ > ${folder}/cgroup.procs`).join(' && ');
  const ended = await run('sh', ['-c', `${enter} && exec "$0" -e "$1"`, process.execPath, script]);
  expect(ended).toEqual({
    code: 0,
    signal: null,
    stdout: expect.stringMatching(
      new RegExp(
        `^1\\nERR_OUT_OF_MEMORY An allocation of 2147483648 bytes was refused: .* ${GIB} in all\\. .*\\n1048576\\n$`,
      ),
    ),
    stderr: '',
  });
});
