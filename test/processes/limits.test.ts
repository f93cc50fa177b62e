import { runScript, type Ended } from '../support/node';

/** With `room` bytes of address space left for what follows; of Linux, as is prlimit. */
const limited = (room: number): string => `
  const { execFileSync } = require('node:child_process');
  const used = /VmSize:\\s+(\\d+)/.exec(require('node:fs').readFileSync('/proc/self/status', 'latin1'))[1] * 1024;
  execFileSync('prlimit', ['--pid', process.pid, '--as=' + (used + ${room})]);
`;
const start = `
  const { BasicBlock, ResNet, Tensor } = require('./dist');
  const report = ({ code, message }) => console.log(code, message);
`;

const printed = (stdout: unknown): Ended => ({ code: 0, signal: null, stdout: stdout as string, stderr: '' });

(process.platform === 'linux' ? describe : describe.skip)('a system that gives no more', () => {
  test('no memory for an answer: ERR_OUT_OF_MEMORY, and the process goes on', async () => {
    const ended = await runScript(`${start}
      // 2 GiB in one tensor, never written and so never there. V8 itself keeps room enough.
      const spec = { type: 'ResNet', layers: 18, numClasses: 2 ** 20 };
      const net = require('./dist/native/addon').addon().createModule(spec, { device: 'cpu', initialize: false });
      ${limited(2 ** 30)}
      try { net.stateDict(); } catch (error) { report(error); }
      console.log(new BasicBlock(1, 1, 1).stateDict().size > 0);`);
    expect(ended).toEqual(printed(expect.stringMatching(/^ERR_OUT_OF_MEMORY .*\ntrue\n$/)));
  });

  test('no memory inside a forward: ERR_OUT_OF_MEMORY, whichever library asked for it; the next one answers', async () => {
    const ended = await runScript(`${start}
      const net = new ResNet(50, 10, { seed: 1 });
      const x = (side) => new Tensor(new Float32Array(3 * side * side).fill(side), [1, 3, side, side]);
      const small = x(32);
      const answer = () => String(net.forwardSync(small).data);
      const before = answer(); // its threads are there, and oneDNN has made nothing yet for larger shapes
      const growing = [64, 96, 128, 160, 192, 224, 320, 448, 640].map(x);
      ${limited(20e6)}
      const run = async () => { for (const x of growing) await net.forward(x); };
      run().catch(report).then(() => console.log(answer() === before));`);
    expect(ended).toEqual(printed(expect.stringMatching(/^ERR_OUT_OF_MEMORY .*\ntrue\n$/)));
  });

  test('no thread for the first forward: an error that says so, and nothing is waited for', async () => {
    const ended = await runScript(`${start}
      const block = new BasicBlock(1, 1, 1);
      ${limited(7e6)} // a stack takes 8 MiB
      block.forward(new Tensor([1], [1, 1, 1, 1])).catch(report);
      setTimeout(() => process.exit(9), 10_000).unref(); // where something is`);
    expect(ended).toEqual(printed(expect.stringMatching(/^ERR_NATIVE An inference thread cannot be started/)));
  });
});
