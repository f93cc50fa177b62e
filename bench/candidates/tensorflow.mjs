import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { availableParallelism } from 'node:os';
import { layersOf } from '../lib/layers.mjs';
import { input } from '../lib/measure.mjs';

const require = createRequire(import.meta.url);
const { ResNet } = require('../..');

/** TensorFlow.js on WebAssembly, the article's layers with the same folded weights, NHWC. */
export async function open({ layers, batch, models }) {
  setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
  setThreadsCount(availableParallelism());
  await tf.setBackend('wasm');
  const net = await ResNet.load(join(models, `resnet${layers}.safetensors`));
  const steps = layersOf(net);
  const tensors = new Map(
    steps.flatMap(({ name, weight, bias, shape }) =>
      weight === undefined
        ? []
        : [
            [
              name,
              {
                weight: tf.transpose(tf.tensor(weight, shape), shape.length === 4 ? [2, 3, 1, 0] : [1, 0]),
                bias: tf.tensor1d(bias),
              },
            ],
          ],
    ),
  );
  net.dispose();
  const data = input(batch);
  const forward = () =>
    tf.tidy(() => {
      const values = new Map([['input', tf.transpose(tf.tensor4d(data, [batch, 3, 224, 224]), [0, 2, 3, 1])]]);
      for (const step of steps) values.set(step.name, compute(step, values, tensors.get(step.name)));
      return values.get(steps.at(-1).name);
    });
  return {
    run: async () => {
      const y = forward();
      const values = await y.data();
      y.dispose();
      return values;
    },
  };
}

function compute(step, values, parameters) {
  const x = values.get(step.input);
  if (step.kind === 'pool')
    return tf.maxPool(
      tf.pad(x, [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ]),
      3,
      2,
      'valid',
    );
  if (step.kind === 'mean') return tf.mean(x, [1, 2]);
  if (step.kind === 'linear') return tf.add(tf.matMul(x, parameters.weight), parameters.bias);
  let y = tf.add(tf.conv2d(x, parameters.weight, step.stride, step.padding), parameters.bias);
  if (step.shortcut !== undefined) y = tf.add(y, values.get(step.shortcut));
  return step.relu ? tf.relu(y) : y;
}
