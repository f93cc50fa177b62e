import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { BasicBlock, ResNet } from '../../lib/index';
import { addon } from '../../lib/native/addon';
import { randomTensor } from '../support/tensors';
import { root } from '../support/node';

const source = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { ResNet, Tensor } = require(workerData.dist);
  const net = new ResNet(18, 10, { seed: 4 });
  const x = new Tensor(workerData.data, workerData.shape);
  const loop = async () => {
    for (let i = 0; i < workerData.times; i++) parentPort.postMessage((await net.forward(x)).data);
  };
  loop();
`;

function work(times: number, x: { data: unknown; shape: readonly number[] }): Worker {
  const workerData = { dist: join(root, 'dist'), times, data: x.data, shape: x.shape };
  return new Worker(source, { eval: true, workerData });
}

test('several workers at once answer what the main thread answers, on one set of inference threads', async () => {
  const x = randomTensor([1, 3, 64, 64]);
  const expected = new ResNet(18, 10, { seed: 4 }).forwardSync(x).data;
  const { streams } = addon().threads();
  const answers = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const received: unknown[] = [];
      const worker = work(5, x).on('message', (data) => received.push(data));
      const code = await new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject));
      return { code, received };
    }),
  );
  for (const { code, received } of answers) {
    expect(code).toBe(0);
    expect(received).toEqual(new Array(5).fill(expected));
  }
  expect(addon().threads().streams).toBe(streams);
});

test('workers terminated in mid-forward leave the rest at work', async () => {
  const block = new BasicBlock(3, 8, 2, { seed: 1 });
  const small = randomTensor([1, 3, 8, 8]);
  const expected = block.forwardSync(small).data;
  for (let i = 0; i < 8; i++) {
    const worker = work(1_000, randomTensor([4, 3, 224, 224]));
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
    expect((await block.forward(small)).data).toEqual(expected);
  }
});

test('the event loop stays free: a 5 ms timer ticks through a ResNet-152 forward', async () => {
  const net = new ResNet(152, 10, { seed: 1 });
  const x = randomTensor([4, 3, 224, 224]);
  await net.forward(randomTensor([1, 3, 32, 32]));
  let [ticks, longest, last] = [0, 0, performance.now()];
  const tick = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    [ticks, last] = [ticks + 1, now];
  };
  const timer = setInterval(tick, 5);
  const started = performance.now();
  await net.forward(x);
  const duration = performance.now() - started;
  clearInterval(timer);
  // Not a measurement: with the loop blocked there would be one tick, and one gap as long as the forward.
  expect(ticks).toBeGreaterThan(duration / 5 / 4);
  expect(longest).toBeLessThan(duration / 2);
});
