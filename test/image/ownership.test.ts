import { runScript } from '../support/node';

const PREPROCESS = "{ resize: 64, crop: 64, interpolation: 'bilinear', mean: [0, 0, 0], std: [1, 1, 1] }";

/** The addon alone, a picture of one grey each, and the collector at hand. */
const begin = `
  require('node:v8').setFlagsFromString('--expose-gc');
  const collect = require('node:vm').runInNewContext('gc');
  const addon = require('./build/Release/resnet.node');
  const preprocess = ${PREPROCESS};
  const grey = (side, level) => ({ data: new Uint8Array(side * side * 3).fill(level), width: side, height: side });
  const pause = () => new Promise((resolve) => setImmediate(resolve));
  const megabytes = () => process.memoryUsage().arrayBuffers / 2 ** 20;
`;

test('pictures are used where they lie, and kept from the collector until their job is done', async () => {
  const script = `${begin}
    (async () => {
      const jobs = [];
      // The first ones keep the one inference thread busy while those behind them are nobody's any more.
      for (let i = 0; i < 24; i++) jobs.push(addon.resizeAndCrop([grey(1500, 10 * i)], preprocess).promise);
      const held = megabytes();
      const churn = [];
      for (let i = 0; i < 8; i++) {
        collect();
        churn.push(new Uint8Array(1500 * 1500 * 3).fill(255));
        await pause();
      }
      churn.length = 0;
      const levels = (await Promise.all(jobs)).map(({ data }) => [Math.min(...data), Math.max(...data)].join());
      jobs.length = 0;
      for (let i = 0; i < 3; i++) { await pause(); collect(); }
      console.log(JSON.stringify({ levels, held, left: megabytes() }));
    })();`;
  const { code, stdout, stderr } = await runScript(script);
  expect([code, stderr]).toEqual([0, '']);
  const { levels, held, left } = JSON.parse(stdout) as { levels: string[]; held: number; left: number };
  expect(levels).toEqual(Array.from({ length: 24 }, (_, i) => `${10 * i},${10 * i}`));
  expect(held).toBeGreaterThan(150); // 24 pictures of 6.4 MB: the call did not wait for them
  expect(left).toBeLessThan(20);
});

test('a worker that ends while its pictures are in use takes nothing from under them', async () => {
  const work = `${begin}
    for (let i = 0; i < 4; i++) addon.resizeAndCrop([grey(3000, 10)], preprocess);
    require('node:worker_threads').parentPort.postMessage('begun');`;
  const script = `
    const { Worker } = require('node:worker_threads');
    (async () => {
      for (let i = 0; i < 4; i++) {
        const worker = new Worker(${JSON.stringify(work)}, { eval: true });
        await new Promise((resolve) => worker.once('message', resolve));
        await worker.terminate();
      }
      console.log('ended');
    })();`;
  expect(await runScript(script)).toEqual({ code: 0, signal: null, stdout: 'ended\n', stderr: '' });
});
