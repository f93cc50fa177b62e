// node --expose-gc memory-scenario.mjs NAME TIMES: one scenario of memory.mjs, in a process of its own, so that none
// measures what another has left. Prints a line of JSON.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const require = createRequire(import.meta.url);
const { BasicBlock, ImageClassifier, ResNet, Tensor } = require('../..');
const { addon } = require('../../dist/native/addon');

const SAMPLES = 200;
const [name, times] = [process.argv[2], Number(process.argv[3])];
/** Garbage of V8's is collected before each sample, except where V8 is to collect the networks by itself. */
const isSwept = name !== 'collected';

const picture = new Tensor(new Float32Array(3 * 224 * 224).fill(0.5), [1, 3, 224, 224]);
const small = new Tensor(new Float32Array(8 * 8 * 8).fill(0.5), [1, 8, 8, 8]);
const block = () => new BasicBlock(8, 8, 1, { seed: 1 });

/** Waits for the rejection of exactly this kind: a forward that answers is a scenario that tests nothing. */
async function rejected(promise, fits) {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  if (error === undefined || !fits(error)) throw new Error(`Not the rejection that was to come: ${error}`);
}
const coded = (code) => (error) => error.code === code;

/** Each makes what its steps need, and returns one step. */
const scenarios = {
  async disposed(path) {
    return async () => {
      const net = await ResNet.load(path);
      await net.forward(picture);
      net.dispose();
    };
  },
  async collected(path) {
    return async () => {
      const net = await ResNet.load(path);
      await net.forward(picture);
    };
  },
  async optimized(path) {
    return async () => {
      const net = await ResNet.load(path);
      const fast = await net.optimize();
      await fast.forward(picture);
      net.dispose();
      fast.dispose();
    };
  },
  async classifier(path) {
    const sharp = require('sharp');
    const photograph = await sharp({ create: { width: 320, height: 240, channels: 3, background: '#825' } })
      .jpeg()
      .toBuffer();
    return async () => {
      const classifier = await ImageClassifier.create({ weights: path });
      await classifier.classify(photograph);
      classifier.dispose();
    };
  },
  async forwards() {
    const one = block();
    return () => one.forward(small);
  },
  async aborted() {
    // While it runs, while it waits behind another, and before it begins.
    const net = new ResNet(18, 10, { seed: 1 });
    const x = new Tensor(new Float32Array(3 * 64 * 64), [1, 3, 64, 64]);
    const isAbort = ({ name: kind }) => kind === 'AbortError';
    const isAborted = (promise) =>
      promise.then(
        () => false,
        (error) => isAbort(error) || Promise.reject(error),
      );
    const abortTwo = async () => {
      const [running, waiting] = [new AbortController(), new AbortController()];
      const first = isAborted(net.forward(x, { signal: running.signal }));
      const second = isAborted(net.forward(x, { signal: waiting.signal }));
      await pause(1);
      running.abort();
      waiting.abort();
      return (await Promise.all([first, second])).every(Boolean);
    };
    return async () => {
      // A busy machine may sleep through a whole forward, which then answers before its abort.
      for (let attempt = 1; !(await abortTwo()); attempt++) {
        if (attempt === 100) throw new Error('A hundred forwards answered in spite of their aborts');
      }
      await rejected(net.forward(x, { signal: AbortSignal.abort() }), isAbort);
    };
  },
  async failed() {
    const one = block();
    const trained = new BasicBlock(8, 8, 2, { seed: 1 }).train(); // a batch norm that sees one value per channel
    const single = new Tensor(new Float32Array(8), [1, 8, 1, 1]);
    const narrow = new Tensor([1], [1, 1, 1, 1]);
    const gone = block();
    gone.dispose();
    const integers = new Tensor(new Int32Array(512), [1, 8, 8, 8]);
    return async () => {
      await rejected(trained.forward(single), coded('ERR_SHAPE')); // on the inference thread
      await rejected(one.forward(narrow), coded('ERR_SHAPE'));
      await rejected(one.forward(integers), coded('ERR_DTYPE'));
      await rejected(gone.forward(small), coded('ERR_DISPOSED'));
      await rejected(ResNet.load('/nowhere/net.safetensors'), coded('ERR_FILE'));
    };
  },
};

/** Bytes outside its heap that V8 knows of, once what is garbage is gone. */
async function external() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc();
    await pause(20);
  }
  return addon()._externalMemory();
}

const folder = mkdtempSync(join(tmpdir(), 'resnet-memory-'));
try {
  const path = join(folder, 'net.safetensors');
  const net = new ResNet(18, 1000, { seed: 1 });
  await net.save(path);
  net.dispose();
  const before = await external();
  // In a function of its own: what its frame holds is garbage when it has returned.
  const samples = await (async () => {
    const step = await scenarios[name](path);
    const every = Math.max(1, Math.floor(times / SAMPLES));
    const seen = [];
    let high = 0; // of the rounds since the last sample: one network is alive after one round, and two after the next
    for (let i = 1; i <= times; i++) {
      await step();
      if (!isSwept) high = Math.max(high, process.memoryUsage.rss());
      if (i % every !== 0) continue;
      if (isSwept) globalThis.gc();
      seen.push([i, Math.max(high, process.memoryUsage.rss())]);
      high = 0;
    }
    return seen;
  })();
  process.stdout.write(`${JSON.stringify({ name, times, samples, external: [before, await external()] })}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
