import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '../support/files';
import { runScript } from '../support/node';

/** A root with these files of Linux's control groups below it. */
function rootWith(files: Record<string, string>): string {
  const root = join(folder, String(made++));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`);
  }
  return root;
}
const folder = temporaryFolder();
let made = 0;

const GIB = 2 ** 30;
const own = 'proc/self/cgroup';

// In a process of its own: the limit is the process's.
async function limitBelow(root: string): Promise<string> {
  const { stdout } = await runScript(
    `console.log(require('./dist/native/addon').addon()._setControlGroups(${JSON.stringify(root)}))`,
  );
  return stdout.trim();
}

test.each<[string, Record<string, string>, number]>([
  ['version 2', { [own]: '0::/a', 'sys/fs/cgroup/a/memory.max': `${GIB}` }, GIB],
  [
    'a group above is tighter',
    { [own]: '0::/a/b', 'sys/fs/cgroup/a/memory.max': '5', 'sys/fs/cgroup/a/b/memory.max': '6' },
    5,
  ],
  ['a container, which sees its group as the root', { [own]: '0::/', 'sys/fs/cgroup/memory.max': '7' }, 7],
  ['max', { [own]: '0::/a', 'sys/fs/cgroup/a/memory.max': 'max' }, Infinity],
  ['version 1', { [own]: '4:memory:/a\n0::/', 'sys/fs/cgroup/memory/a/memory.limit_in_bytes': '8' }, 8],
  [
    'version 1 in a container, whose group it does not see by that name',
    { [own]: '4:memory:/docker/1', 'sys/fs/cgroup/memory/memory.limit_in_bytes': '9' },
    9,
  ],
  [
    'version 1, of another controller',
    { [own]: '4:cpu:/a', 'sys/fs/cgroup/memory/a/memory.limit_in_bytes': '8' },
    Infinity,
  ],
  ['no control groups', {}, Infinity],
  ['a file that is no number', { [own]: '0::/a', 'sys/fs/cgroup/a/memory.max': 'much' }, Infinity],
])('the limit on memory: %s', async (_, files, expected) => {
  expect(await limitBelow(rootWith(files))).toBe(String(expected));
});

/** Each asks for more than 64 MiB at once; on its way a few smaller ones are made. */
const requests = `
  const { BasicBlock, OptimizedResNet, ResNet, Tensor } = require('./dist');
  const report = ({ code, message }) => console.log(code, message);
  const small = new BasicBlock(1, 1, 1, { seed: 1 });
  const one = new Tensor([1], [1, 1, 1, 1]);
  const wide = new BasicBlock(1, 2048, 1, { seed: 1 }); // 128 MiB of weights
  const net = new ResNet(18, 10, { seed: 1 });
  const large = new ResNet(18, 2 ** 16, { device: 'meta' });
`;
const attempts = `
  const run = async () => {
    await wide.forward(new Tensor(new Float32Array(2 ** 16), [1, 1, 2 ** 8, 2 ** 8])).catch(report); // 512 MiB
    await small.forward(new Tensor(new Float32Array(2 ** 25), [1, 1, 2 ** 12, 2 ** 13])).catch(report); // the input
    const fast = await net.optimize();
    await fast.forward(new Tensor(new Uint8Array(3 * 2 ** 22), [1, 2 ** 11, 2 ** 11, 3])).catch(report); // the maps
    try { new BasicBlock(1, 2048, 1); } catch (error) { report(error); }
    try { wide.stateDict(); } catch (error) { report(error); }
    console.log((await small.forward(one)).size, (await fast.forward(new Tensor(new Uint8Array(3072), [1, 32, 32, 3]))).size);
  };
  run();
`;
const refused =
  'ERR_OUT_OF_MEMORY An allocation of \\d+ bytes was refused: the control group of this process may use 67108864 in all\\. .*\\n';
const answered = expect.stringMatching(new RegExp(`^(${refused}){5}1 10\\n$`));

test('what alone is more than the limit is refused, and the process goes on', async () => {
  const root = rootWith({ [own]: '0::/', 'sys/fs/cgroup/memory.max': String(64 * 2 ** 20) });
  const ended = await runScript(
    `${requests} require('./dist/native/addon').addon()._setControlGroups(${JSON.stringify(root)}); ${attempts}`,
  );
  expect(ended).toEqual({ code: 0, signal: null, stdout: answered, stderr: '' });
});
