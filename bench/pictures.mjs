// From JPEG to the network's input, and a list of files from JPEG to labels: node bench/pictures.mjs [--python PYTHON]
//
// CPU time of 500 x 375 -> 256 -> 224, as a ratio to Pillow's where PYTHON has it, and pictures per second of
// classify(files) as a ratio to the bare network's forward() of batches as large. All in turn, medians of rounds.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const require = createRequire(import.meta.url);
const sharp = require('sharp');
const { ImageClassifier, ResNet, Tensor } = require('..');
const { checkPreprocess } = require('../dist/image/preprocess.js');
const { Pictures } = require('../dist/image/pictures.js');

const { values } = parseArgs({ options: { python: { type: 'string' } } });
const BATCH = 32;
const PILLOW = `
import io, sys, time
from PIL import Image
bytes, best = open(sys.argv[1], 'rb').read(), 1e9
for _ in range(200):
    start = time.process_time()
    image = Image.open(io.BytesIO(bytes)).convert('RGB').resize((341, 256), Image.BILINEAR).crop((58, 16, 282, 240))
    best = min(best, time.process_time() - start)
print(best * 1000)`;

const folder = mkdtempSync(join(tmpdir(), 'resnet-pictures-'));
try {
  const files = await makeFiles(4 * BATCH);
  await compareWithPillow(files[0]);
  for (const [layers, dtype] of [
    [18, 'int8'],
    [50, 'bfloat16'],
  ]) {
    await compareWithNetwork(files, layers, dtype);
  }
} finally {
  rmSync(folder, { recursive: true });
}

/** A photograph's size, and as hard to decode as one: smooth noise at several scales. */
async function makeFiles(count) {
  const noise = (size) =>
    sharp({ create: { width: size, height: size, channels: 3, noise: { type: 'gaussian', mean: 128, sigma: 60 } } });
  const [coarse, fine] = await Promise.all(
    [12, 250].map((size) => noise(size).resize(500, 375, { fit: 'fill', kernel: 'cubic' }).png().toBuffer()),
  );
  const jpeg = await sharp(coarse)
    .composite([{ input: fine, blend: 'soft-light' }])
    .removeAlpha()
    .jpeg({ quality: 90 })
    .toBuffer();
  return Array.from({ length: count }, (_, i) => {
    const file = join(folder, `${i}.jpg`);
    writeFileSync(file, jpeg);
    return file;
  });
}

async function compareWithPillow(file) {
  const pictures = new Pictures(checkPreprocess(), 1e8);
  let best = Infinity;
  for (let i = 0; i < 300; i++) {
    const start = process.cpuUsage();
    await pictures.crop(file, 'image');
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1000);
  }
  if (values.python === undefined) return;
  const pillow = Number(execFileSync(values.python, ['-c', PILLOW, file]));
  console.log(`read, decode, resize and crop: ${(best / pillow).toFixed(2)} of Pillow's CPU time (the least of each)`);
}

async function compareWithNetwork(files, layers, dtype) {
  const calibration = dtype === 'int8' ? files.slice(0, 2) : undefined;
  const classifier = await ImageClassifier.create({ weights: 'random:1', layers, dtype, calibration });
  const source = new ResNet(layers, 1000, { seed: 1 });
  const x = new Tensor(new Uint8Array(BATCH * 224 * 224 * 3).fill(100), [BATCH, 224, 224, 3]);
  const ranges = dtype === 'int8' ? [new Tensor(new Float32Array(3 * 224 * 224).fill(1), [1, 3, 224, 224])] : undefined;
  const { mean, std } = checkPreprocess();
  const network = await source.optimize({ dtype, calibration: ranges, mean, std });
  source.dispose();
  const forwards = async () => {
    for (let i = 0; i < files.length; i += BATCH) await network.forward(x);
  };
  const rates = [];
  const cpu = [];
  for (let round = 0; round < 8; round++) {
    const [bare, list] = [await measure(forwards), await measure(() => classifier.classify(files))];
    if (round === 0) continue; // warms up
    rates.push(bare.wall / list.wall);
    cpu.push(bare.cpu / list.cpu);
  }
  network.dispose();
  classifier.dispose();
  console.log(
    `ResNet-${layers} ${dtype}: files at ${median(rates)} of the bare network's rate; the network is ${median(cpu)} of the CPU time`,
  );
}

async function measure(run) {
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  await run();
  const { user, system } = process.cpuUsage(cpu);
  return { wall: performance.now() - wall, cpu: user + system };
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1].toFixed(2);
}
