import { addon } from '../../lib/native/addon';
import { runScript } from '../support/node';

const PREPROCESS = "{ resize: 64, crop: 64, interpolation: 'bilinear' }";

/** The addon alone, a picture of one gray each, and the collector at hand. */
const begin = `
  require('node:v8').setFlagsFromString('--expose-gc');
  const collect = require('node:vm').runInNewContext('gc');
  const addon = require('./build/Release/resnet.node');
  const preprocess = ${PREPROCESS};
  const gray = (side, level) => ({ data: new Uint8Array(side * side * 3).fill(level), width: side, height: side });
  const pause = () => new Promise((resolve) => setImmediate(resolve));
  const megabytes = () => process.memoryUsage().arrayBuffers / 2 ** 20;
`;

test('pictures are used where they lie, and kept from the collector until their job is done', async () => {
  const script = `${begin}
    (async () => {
      const jobs = [];
      // The first ones keep the one inference thread busy while those behind them are nobody's any more.
      for (let i = 0; i < 24; i++) jobs.push(addon.resizeAndCrop([gray(1500, 10 * i)], preprocess).promise);
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

test.each([
  ['forward', 'network.forward(x, false, 0).promise.then(({ data }) => data.join())'],
  ['explain', 'network.explain(x, 0, 0).promise.then(({ maps }) => maps.data.join())'],
])('a batch that %s uses in place is kept from the collector too, and gives what a copy gives', async (_, call) => {
  const script = `${begin}
    (async () => {
      const spec = { type: 'ResNet', layers: 18, numClasses: 3 };
      const module = addon.createModule(spec, { device: 'cpu', seed: 1, initialize: true });
      const normalization = { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] };
      const options = { dtype: 'float32', ...normalization, percentile: false, consume: false };
      const network = await module.optimize(options).promise;
      const run = (x) => ${call};
      const batch = (i) => ({ dtype: 'uint8', shape: [4, 160, 160, 3], data: new Uint8Array(4 * 160 * 160 * 3).fill(10 * i) });
      const copied = [];
      for (let i = 0; i < 16; i++) copied.push(await run(batch(i)));
      const jobs = Array.from({ length: 16 }, (_, i) => run({ ...batch(i), inPlace: true }));
      for (let i = 0; i < 8; i++) {
        collect();
        batch(25);
        await pause();
      }
      const answers = await Promise.all(jobs);
      console.log(answers.every((answer, i) => answer === copied[i]), new Set(copied).size);
      try { run({ ...batch(0), inPlace: 1 }); } catch ({ code, message }) { console.log(code, message); }
    })();`;
  expect(await runScript(script)).toEqual({
    code: 0,
    signal: null,
    stdout: 'true 16\nERR_ARGUMENT inPlace must be a boolean.\n',
    stderr: '',
  });
});

test('a worker that ends while its pictures are in use takes nothing from under them', async () => {
  const work = `${begin}
    for (let i = 0; i < 4; i++) addon.resizeAndCrop([gray(3000, 10)], preprocess);
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

test('a picture that is done with is freed at once, without the collector', async () => {
  const script = `${begin}
    const { ImageClassifier } = require('./dist');
    const { Pictures } = require('./dist/image/pictures');
    const sharp = require('sharp');
    (async () => {
      const raw = { width: 400, height: 400, channels: 3 };
      const png = await sharp(Buffer.alloc(400 * 400 * 3, 99), { raw }).png().toBuffer();
      const pictures = new Pictures(preprocess, 1e6);
      const classifier = await ImageClassifier.create({ layers: 18, weights: 'random', preprocess: { resize: 32, crop: 32 } });
      const growth = async (work) => {
        await work();
        const before = process.memoryUsage().external;
        let most = 0;
        for (let i = 0; i < 10; i++) {
          await work();
          most = Math.max(most, process.memoryUsage().external - before);
        }
        return most / 1e6;
      };
      const crop = await growth(() => pictures.crop(png, 'image'));
      const classify = await growth(() => classifier.classify(png));
      console.log(JSON.stringify({ crop, classify }));
    })();`;
  const { code, stdout, stderr } = await runScript(script);
  expect([code, stderr]).toEqual([0, '']);
  const { crop, classify } = JSON.parse(stdout) as { crop: number; classify: number };
  expect(crop).toBeLessThan(0.48); // less than one of ten pictures, of which a crop keeps 12 KB
  expect(classify).toBeLessThan(0.48);
});

test('discard leaves what others may share', () => {
  const own = new Uint8Array(8);
  addon().discard(own);
  expect(own.length).toBe(0);
  addon().discard(own); // again does nothing
  const part = new Uint8Array(new ArrayBuffer(16), 0, 8);
  const shared = new Uint8Array(new SharedArrayBuffer(8));
  const compiled = new Uint8Array(wasmMemory());
  const pooled = Buffer.from('pooled');
  for (const data of [part, shared, compiled, pooled]) {
    const { length } = data;
    addon().discard(data);
    expect(data.length).toBe(length);
  }
  expect(() => addon().discard([1] as unknown as Uint8Array)).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT' }),
  );
});

/** Memory that cannot be detached. (Node's types do not name WebAssembly.) */
function wasmMemory(): ArrayBuffer {
  type Memory = new (options: { initial: number }) => { buffer: ArrayBuffer };
  const { Memory } = (globalThis as unknown as { WebAssembly: { Memory: Memory } }).WebAssembly;
  return new Memory({ initial: 1 }).buffer;
}
