import { join } from 'node:path';
import { ResNet } from '../../lib/index';
import { temporaryFolder } from '../support/files';
import { runScript } from '../support/node';

/** By `npm run test:long` 200 rounds. */
const long = process.env.TEST_LONG === '1';
const ROUNDS = long ? 200 : 3;
const WORKERS = 8;
/** Of memory, between the first rounds and the last. One network that each round left behind would be twice as much. */
const MAX_GROWTH = long ? 0.1 : 0.2;
const folder = temporaryFolder();

/** Loads and runs without end, a network of each kind in turn. */
const worker = `
  const { parentPort, workerData: { dist, weights, kind } } = require('node:worker_threads');
  const { ImageClassifier, ResNet, Tensor } = require(dist);
  const x = new Tensor(new Float32Array(3 * 96 * 96), [1, 3, 96, 96]);
  const kinds = [
    async () => { const net = await ResNet.load(weights); return () => net.forward(x); },
    async () => { const fast = await new ResNet(18, 10, { seed: 1 }).optimize(); return () => fast.forward(x); },
    async () => {
      const classifier = await ImageClassifier.create({ weights });
      const picture = await require('sharp')({ create: { width: 64, height: 64, channels: 3, background: '#825' } })
        .png().toBuffer();
      return () => classifier.classify(picture);
    },
  ];
  const loop = async () => {
    while (true) {
      const forward = await kinds[kind % kinds.length]();
      parentPort.postMessage('loaded');
      for (let i = 0; i < 20; i++) await forward();
    }
  };
  loop();
`;

test(
  `${WORKERS} workers that load and run are terminated in the middle, ${ROUNDS} times; the main thread goes on, memory is flat`,
  async () => {
    const weights = join(folder, 'net.safetensors');
    using net = new ResNet(18, 10, { seed: 1 });
    await net.save(weights);
    // In a process of its own: a crash shows as its signal.
    const ended = await runScript(`
      const { Worker } = require('node:worker_threads');
      const { BasicBlock, Tensor } = require('./dist');
      const block = new BasicBlock(1, 1, 1, { seed: 1 });
      const x = new Tensor([1, 2, 3, 4], [1, 1, 2, 2]);
      const expected = String(block.forwardSync(x).data);
      const data = { dist: require('node:path').resolve('dist'), weights: ${JSON.stringify(weights)} };
      const round = async (number) => {
        const workers = Array.from({ length: ${WORKERS} }, (_, kind) => {
          const one = new Worker(${JSON.stringify(worker)}, { eval: true, workerData: { ...data, kind } });
          return { one, loaded: new Promise((resolve, reject) => one.once('message', resolve).once('error', reject)) };
        });
        await Promise.race(workers.map(({ loaded }) => loaded)); // the others are still loading
        await new Promise((resolve) => setTimeout(resolve, number % 40));
        await Promise.all(workers.map(({ one }) => one.terminate()));
        for (const { loaded } of workers) loaded.catch(() => {});
        if (String((await block.forward(x)).data) !== expected) throw new Error('another answer');
      };
      const main = async () => {
        const held = [];
        for (let i = 0; i < ${ROUNDS}; i++) {
          await round(13 * i);
          held.push(process.memoryUsage.rss());
        }
        const quarter = Math.ceil(held.length / 4);
        const growth = Math.max(...held.slice(-quarter)) / Math.max(...held.slice(0, quarter)) - 1;
        console.log(JSON.stringify({ streams: require('./dist/native/addon').addon().threads().streams, growth }));
      };
      main();
    `);
    expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    const { streams, growth } = JSON.parse(ended.stdout) as { streams: number; growth: number };
    expect(streams).toBe(1);
    expect(growth).toBeLessThan(MAX_GROWTH);
  },
  long ? 60 * 60_000 : 60_000,
);
