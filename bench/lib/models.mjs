import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { exportFloat, exportInt8 } from './export.mjs';
import { input } from './measure.mjs';

const { ResNet, Tensor } = createRequire(import.meta.url)('../..');

/** Writes the same seeded network in every form that a candidate loads, once. */
export async function makeModels(folder, layers) {
  mkdirSync(folder, { recursive: true });
  await makePicture(join(folder, 'picture.jpg'));
  const last = join(folder, `resnet${layers}.safetensors`);
  if (existsSync(last)) return;
  const net = new ResNet(layers, 1000, { seed: 1 });
  const x = new Tensor(input(4), [4, 3, 224, 224]);
  net.train();
  await net.forward(x); // statistics that keep the numbers in bounds
  net.eval();
  const int8 = await net.optimize({ dtype: 'int8', calibration: [x] }).catch(() => undefined);
  await int8?.saveCalibration(join(folder, `resnet${layers}.calibration.json`));

  exportFloat(net, join(folder, `resnet${layers}.onnx`));
  const everything = join(folder, `resnet${layers}.everything.onnx`);
  const outputs = exportFloat(net, everything, true);
  const session = await ort.InferenceSession.create(everything);
  const answer = await session.run({ input: new ort.Tensor('float32', x.data, x.shape) });
  const ranges = new Map([['input', range(x.data)], ...outputs.map((name) => [name, range(answer[name].data)])]);
  await session.release();
  rmSync(everything);
  exportInt8(net, join(folder, `resnet${layers}.int8.onnx`), ranges);

  agree('onnxruntime float32', await net.forward(x), await run(join(folder, `resnet${layers}.onnx`), x), 1e-4);
  await net.save(`${last}.part`);
  renameSync(`${last}.part`, last);
}

/** A photograph's size, and as hard to decode as one. */
async function makePicture(file) {
  if (existsSync(file)) return;
  const sharp = createRequire(import.meta.url)('sharp');
  const [width, height] = [640, 480];
  const data = Buffer.from(
    Array.from({ length: width * height * 3 }, (_, i) => 128 + 100 * Math.sin(i * 0.003) + (i % 23)),
  );
  await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg()
    .toFile(file);
}

function range(data) {
  let [least, most] = [Infinity, -Infinity];
  for (const value of data) [least, most] = [Math.min(least, value), Math.max(most, value)];
  return [least, most];
}

async function run(file, x) {
  const session = await ort.InferenceSession.create(file);
  const { logits } = await session.run({ input: new ort.Tensor('float32', x.data, x.shape) });
  await session.release();
  return logits;
}

/** A race between engines that compute different things would prove nothing. */
function agree(name, expected, answer, bound) {
  const [least, most] = range(expected.data);
  const largest = Math.max(-least, most);
  const worst = expected.data.reduce((max, value, i) => Math.max(max, Math.abs(value - answer.data[i])), 0);
  if (!(worst <= bound * largest)) throw new Error(`${name} differs by ${worst} of ${largest}.`);
}
