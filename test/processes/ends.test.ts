import { runScript, type Ended } from '../support/node';

/** In each: a forward of some hundred milliseconds is in flight when the end comes. */
const start = `
  const { ResNet, Tensor } = require('./dist');
  const net = new ResNet(50, 10, { seed: 1 });
  const x = new Tensor(new Float32Array(8 * 3 * 224 * 224), [8, 3, 224, 224]);
  const pending = net.forward(x);
`;

const quiet = (code: number, stdout: string): Ended => ({ code, signal: null, stdout, stderr: '' });

describe('a process ends by itself, as it was told to, and silently', () => {
  test('by returning, once the forward is done', async () => {
    const ended = await runScript(`${start} pending.then((y) => console.log(String(y.shape)));`);
    expect(ended).toEqual(quiet(0, '8,10\n'));
  });

  test('by returning, with nothing ever run', async () => {
    expect(await runScript(`const { ResNet } = require('./dist'); new ResNet(18);`)).toEqual(quiet(0, ''));
  });

  test('by process.exit in mid-forward', async () => {
    expect(await runScript(`${start} setTimeout(() => process.exit(7), 60);`)).toEqual(quiet(7, ''));
  });

  test('by process.exit with more work queued', async () => {
    const ended = await runScript(
      `${start} for (let i = 0; i < 50; i++) net.forward(x); setTimeout(() => process.exit(0), 60);`,
    );
    expect(ended).toEqual(quiet(0, ''));
  });

  test('by an uncaught throw in mid-forward', async () => {
    const ended = await runScript(`${start} setTimeout(() => { throw new Error('on purpose'); }, 60);`);
    expect(ended).toMatchObject({ code: 1, signal: null, stdout: '' });
    expect(ended.stderr).toContain('Error: on purpose');
    expect(ended.stderr).not.toMatch(/terminate|abort|segmentation/i);
  });

  test('by dispose in mid-forward', async () => {
    const ended = await runScript(`${start} net.dispose(); pending.then((y) => console.log(String(y.shape)));`);
    expect(ended).toEqual(quiet(0, '8,10\n'));
  });

  test('by an unhandled rejection', async () => {
    const ended = await runScript(`${start} net.forward(new Tensor([1], [1]));`);
    expect(ended).toMatchObject({ code: 1, signal: null, stdout: '' });
    expect(ended.stderr).toContain("code: 'ERR_SHAPE'");
  });

  // Where no exit event is heard by the package: the addon lives in workers alone.
  test.each(['forward', 'forwardSync'])('by process.exit while a worker is in %s', async (method) => {
    const worker = `${start} require('node:worker_threads').parentPort.postMessage(0); net.${method}(x);`;
    const ended = await runScript(`
      const { Worker } = require('node:worker_threads');
      new Worker(${JSON.stringify(worker)}, { eval: true }).on('message', () => setTimeout(() => process.exit(5), 20));
    `);
    expect(ended).toEqual(quiet(5, ''));
  });

  test('forwardSync in an exit listener is refused, and the process still ends', async () => {
    const ended = await runScript(
      `${start} process.on('exit', () => { try { net.forwardSync(x); } catch ({ code }) { console.log(code); } });
       setTimeout(() => process.exit(3), 20);`,
    );
    expect(ended).toEqual(quiet(3, 'ERR_ABORTED\n'));
  });
});
