import { createRequire } from 'node:module';
import { join } from 'node:path';
import { input } from '../lib/measure.mjs';

const { ResNet, Tensor } = createRequire(import.meta.url)('../..');

/** task.dtype: 'eager', or what net.optimize() takes. */
export async function open({ layers, batch, inFlight, dtype, models }) {
  const net = await ResNet.load(join(models, `resnet${layers}.safetensors`));
  const x = new Tensor(input(batch), [batch, 3, 224, 224]);
  if (dtype === 'eager') return { run: () => net.forward(x) };
  const fast = await net.optimize({
    dtype,
    prefer: inFlight === 1 ? 'latency' : 'throughput',
    calibration: dtype === 'int8' ? join(models, `resnet${layers}.calibration.json`) : undefined,
  });
  net.dispose();
  return { run: () => fast.forward(x) };
}
