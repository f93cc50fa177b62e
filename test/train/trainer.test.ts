import { createHash } from 'node:crypto';
import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BasicBlock, ResNet, Tensor } from '../../lib/index';
import { Trainer, type StepOptions, type Target, type TrainerOptions } from '../../lib/train';
import { runScript } from '../support/node';
import { temporaryFolder } from '../support/files';
import { randomTensor } from '../support/tensors';

const folder = temporaryFolder();
const x = randomTensor([6, 3, 32, 32]);
const target = [0, 1, 2, 0, 1, 2];

const make = (options: TrainerOptions = {}): Trainer => new Trainer(new ResNet(18, 3, { seed: 1 }), options);

/** Everything that the next step depends on, in a few bytes: comparing millions of numbers one by one takes minutes. */
async function digestOf(trainer: Trainer): Promise<string> {
  const { entries, updates, accumulated } = await trainer.snapshot();
  const hash = createHash('sha256').update(`${updates} ${accumulated}`);
  for (const { name, data } of entries) {
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}

test('learns a batch by heart', async () => {
  using trainer = make({ optimizer: { name: 'sgd', lr: 0.02 } });
  const first = await trainer.step(x, target);
  expect(first.loss).toBeCloseTo(Math.log(3), 0);
  expect(first.gradNorm).toBeGreaterThan(0);
  let last = first;
  for (let i = 0; i < 40; i++) last = await trainer.step(x, target);
  expect(last).toMatchObject({ top1: 1 });
  expect(last.loss).toBeLessThan(0.05);
});

test('takes classes, probabilities and pictures; several labels with binary cross-entropy', async () => {
  using trainer = make();
  const { loss } = await trainer.evaluate(x, target);
  const oneHot = new Float32Array(18);
  target.forEach((label, i) => (oneHot[3 * i + label] = 1));
  const classes = new Tensor(BigInt64Array.from(target, BigInt), [6]);
  for (const same of [classes, new Tensor(oneHot, [6, 3])]) {
    expect((await trainer.evaluate(x, same)).loss).toBeCloseTo(loss, 5);
  }
  const pictures = new Tensor(new Uint8Array(2 * 20 * 20 * 3).fill(128), [2, 20, 20, 3]);
  expect(await trainer.evaluate(pictures, [0, 1])).toMatchObject({ count: 2, top5: 1 });
  trainer.dispose();
  using several = make({ loss: { name: 'binary-cross-entropy' }, optimizer: { name: 'adamw' } });
  const labels = new Tensor(
    Float32Array.from({ length: 18 }, (_, i) => ((i * 5) % 3 === 0 ? 1 : 0)),
    [6, 3],
  );
  const before = await several.step(x, labels);
  for (let i = 0; i < 10; i++) await several.step(x, labels);
  expect((await several.evaluate(x, labels)).loss).toBeLessThan(before.loss + 1);
  await expect(several.step(x, target)).rejects.toMatchObject({ code: 'ERR_DTYPE' });
});

test('goes on from a checkpoint to the bit: in mid-accumulation, with averages, for each optimizer', async () => {
  for (const optimizer of [{ name: 'sgd', lr: 0.01 }, { name: 'adamw' }] as const) {
    const options: TrainerOptions = { optimizer, accumulate: 3, ema: { decay: 0.9 }, threads: 1 };
    using whole = make(options);
    using half = make(options);
    for (let i = 0; i < 8; i++) await whole.step(x, target);
    for (let i = 0; i < 4; i++) await half.step(x, target);
    await half.save(join(folder, optimizer.name));
    using again = await Trainer.resume(join(folder, optimizer.name));
    expect(again.options).toEqual(whole.options);
    for (let i = 4; i < 8; i++) await again.step(x, target);
    expect(await digestOf(again)).toBe(await digestOf(whole));
    expect(readdirSync(join(folder, optimizer.name))).toEqual(['trainer.safetensors']);
  }
});

test('refuses checkpoints that are none', async () => {
  using trainer = make();
  await trainer.save(join(folder, 'damaged'));
  truncateSync(join(folder, 'damaged', 'trainer.safetensors'), 1_000_000);
  await expect(Trainer.resume(join(folder, 'damaged'))).rejects.toMatchObject({ code: 'ERR_WEIGHTS_FORMAT' });
  await expect(Trainer.resume(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'ERR_FILE' });
  using other = new ResNet(18, 3, { seed: 1 });
  await other.save(join(folder, 'damaged', 'trainer.safetensors'));
  await expect(Trainer.resume(join(folder, 'damaged'))).rejects.toMatchObject({ code: 'ERR_CHECKPOINT' });
  writeFileSync(join(folder, 'file'), '');
  await expect(trainer.save(join(folder, 'file'))).rejects.toMatchObject({ code: 'ERR_FILE' });
});

test('between steps the network computes, and can be read; whatever changes it is busy', async () => {
  const net = new ResNet(18, 3, { seed: 1 });
  using reference = make({ optimizer: { name: 'sgd', lr: 0.01 }, threads: 1 });
  await reference.step(x, target);
  const after = await reference.network.forward(x);

  const trainer = new Trainer(net, { optimizer: { name: 'sgd', lr: 0.01 }, threads: 1 });
  const first = trainer.step(x, target);
  const between = net.forward(x); // queued behind the first step, before the second
  const optimizing = net.optimize();
  const second = trainer.step(x, target);
  expect(net.training).toBe(false);
  const busy = [
    () => net.train(),
    () => net.eval(),
    () => net.to('cpu'),
    () => net.loadStateDict(net.stateDict()),
    () => net.dispose(),
    () => new Trainer(net),
  ];
  for (const action of busy) expect(action).toThrow(expect.objectContaining({ code: 'ERR_BUSY' }));
  await first;
  expect((await between).data).toEqual(after.data);
  (await optimizing).dispose();
  await second;
  trainer.dispose();
  await expect(trainer.step(x, target)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  net.train();
  net.dispose();
});

test('a second trainer may follow the first, and a forward in flight is in its way', async () => {
  const net = new ResNet(18, 3, { seed: 1 });
  const running = net.forward(x);
  expect(() => new Trainer(net)).toThrow(expect.objectContaining({ code: 'ERR_BUSY' }));
  await running;
  for (let i = 0; i < 2; i++) {
    using trainer = new Trainer(net);
    await trainer.step(x, target);
  }
  net.dispose();
});

test('an aborted step changes nothing', async () => {
  using trainer = make();
  const large = randomTensor([16, 3, 96, 96]);
  const labels = Array.from({ length: 16 }, (_, i) => i % 3);
  const before = await digestOf(trainer);
  for (const delay of [0, 3, 20]) {
    const controller = new AbortController();
    const step = trainer.step(large, labels, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), delay);
    await expect(step).rejects.toThrow('enough');
    expect(await digestOf(trainer)).toBe(before);
  }
});

test('the event loop runs on, and other networks infer meanwhile', async () => {
  using trainer = make({ threads: 1 });
  using other = new ResNet(18, 3, { seed: 2 });
  let [isTraining, forwards] = [true, 0];
  const steps = (async () => {
    for (let i = 0; i < 3; i++) await trainer.step(randomTensor([16, 3, 96, 96]), Array<number>(16).fill(0));
    isTraining = false;
  })();
  while (isTraining) {
    await other.forward(x);
    forwards++;
  }
  await steps;
  expect(forwards).toBeGreaterThan(3); // of a thirtieth of a step's work each
});

test('a block is trained by the means of its channels', async () => {
  using trainer = new Trainer(new BasicBlock(3, 8, 2, { seed: 1 }), { optimizer: { name: 'sgd', lr: 0.05 } });
  const first = await trainer.step(x, target);
  for (let i = 0; i < 30; i++) await trainer.step(x, target);
  expect((await trainer.evaluate(x, target)).loss).toBeLessThan(first.loss);
  expect((await trainer.gradients(x, target)).size).toBe(trainer.trained.length);
});

test('frozen stages have no gradient', async () => {
  using trainer = make({ freeze: { stages: 4 } });
  expect(trainer.trained).toEqual(['fc.weight', 'fc.bias']);
  const { data } = trainer.network.stateDict().get('bn.running_mean')!;
  await trainer.step(x, target);
  expect(trainer.network.stateDict().get('bn.running_mean')!.data).toEqual(data);
  expect([...(await trainer.gradients(x, target)).keys()]).toEqual(['fc.weight', 'fc.bias']);
});

test.each<[string, unknown, RegExp]>([
  ['an unknown option', { rate: 1 }, /^options must have no names but/],
  ['an optimizer', { optimizer: { name: 'adam' } }, /^optimizer\.name must be/],
  [
    'an option of another optimizer',
    { optimizer: { name: 'adamw', momentum: 1 } },
    /^optimizer must have no names but/,
  ],
  ['a learning rate that is not a number', { optimizer: { name: 'sgd', lr: NaN } }, /^optimizer\.lr must be a number/],
  ['nesterov without momentum', { optimizer: { name: 'sgd', momentum: 0, nesterov: true } }, /^optimizer\.nesterov/],
  ['betas', { optimizer: { name: 'adamw', betas: [0.9] } }, /^optimizer\.betas must be two/],
  ['smoothing of several labels', { loss: { name: 'binary-cross-entropy', labelSmoothing: 0.1 } }, /^loss\.labelSmoo/],
  ['weights of classes', { loss: { name: 'cross-entropy', classWeights: [1, NaN, 1] } }, /^loss\.classWeights/],
  ['stages', { freeze: { stages: 5 } }, /^freeze\.stages must be an integer from 0 to 4/],
  ['stages without the stem', { freeze: { stages: 1, stem: false } }, /^freeze\.stem must be true/],
  ['decay', { ema: { decay: 2 } }, /^ema\.decay must be/],
  ['precision', { precision: 'float16' }, /^precision must be/],
  ['accumulate', { accumulate: 0 }, /^accumulate must be/],
  ['clipGradNorm', { clipGradNorm: 0 }, /^clipGradNorm must be/],
  ['threads', { threads: 0.5 }, /^threads must be/],
])('refuses %s', (_, options, message) => {
  using net = new ResNet(18, 3, { seed: 1 });
  expect(() => new Trainer(net, options as TrainerOptions)).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringMatching(message) as unknown }),
  );
  net.train(); // it was given back
});

test.each<[string, unknown, unknown, unknown, string]>([
  ['classes out of range', x, [0, 1, 2, 3, 0, 0], {}, 'ERR_ARGUMENT'],
  ['a class that is none', x, [0, 1, 2, 0.5, 0, 0], {}, 'ERR_ARGUMENT'],
  ['too few classes', x, [0, 1], {}, 'ERR_SHAPE'],
  ['probabilities beyond 1', x, new Tensor(new Float32Array(18).fill(2), [6, 3]), {}, 'ERR_ARGUMENT'],
  ['probabilities of other classes', x, new Tensor(new Float32Array(24), [6, 4]), {}, 'ERR_SHAPE'],
  ['another dtype of target', x, new Tensor(new Int32Array(6), [6]), {}, 'ERR_DTYPE'],
  ['no tensor', 5, target, {}, 'ERR_ARGUMENT'],
  ['other channels', randomTensor([6, 4, 8, 8]), target, {}, 'ERR_SHAPE'],
  ['a batch norm of one value', randomTensor([1, 3, 8, 8]), [0], {}, 'ERR_SHAPE'],
  [
    'an input that is not finite',
    new Tensor(new Float32Array(3072 * 6).fill(NaN), [6, 3, 32, 32]),
    target,
    {},
    'ERR_DIVERGED',
  ],
  ['a rate', x, target, { lr: -1 }, 'ERR_ARGUMENT'],
  ['an unknown option', x, target, { rate: 1 }, 'ERR_ARGUMENT'],
  ['a signal', x, target, { signal: 1 }, 'ERR_ARGUMENT'],
])('step() refuses %s, and nothing changes', async (_, input, answers, options, code) => {
  using trainer = make({ loss: { name: 'cross-entropy', classWeights: [1, 2, 3] } });
  const before = await digestOf(trainer);
  const step = trainer.step(input as Tensor, answers as Target, options as StepOptions);
  await expect(step).rejects.toMatchObject({ code });
  expect(await digestOf(trainer)).toBe(before);
});

test('weights for another number of classes', async () => {
  using trainer = make({ loss: { name: 'cross-entropy', classWeights: [1, 2] } });
  await expect(trainer.step(x, target)).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: 'classWeights must be one number for each of the 3 classes, but got 2.',
  });
});

test('a process or worker that ends in mid-step ends quietly', async () => {
  const work = `
    const { ResNet, Tensor } = require('./dist');
    const { Trainer } = require('./dist/train');
    const trainer = new Trainer(new ResNet(18, 3, { seed: 1 }));
    const x = new Tensor(new Float32Array(16 * 3 * 96 * 96), [16, 3, 96, 96]);
    for (let i = 0; i < 5; i++) trainer.step(x, Array(16).fill(0)).catch(() => {});`;
  const exits = await runScript(`${work} setTimeout(() => process.exit(7), 60);`);
  expect(exits).toEqual({ code: 7, signal: null, stdout: '', stderr: '' });
  const terminated = await runScript(`
    const { Worker } = require('node:worker_threads');
    const worker = new Worker(${JSON.stringify(`${work} require('node:worker_threads').parentPort.postMessage(1);`)}, { eval: true });
    worker.once('message', () => setTimeout(async () => { await worker.terminate(); console.log('ended'); }, 60));`);
  expect(terminated).toEqual({ code: 0, signal: null, stdout: 'ended\n', stderr: '' });
});
