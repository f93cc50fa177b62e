import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { input } from '../lib/measure.mjs';

/** task.dtype: 'float32' or 'int8', the QDQ file. */
export async function open({ layers, batch, dtype, models }) {
  const file = dtype === 'int8' ? `resnet${layers}.int8.onnx` : `resnet${layers}.onnx`;
  const session = await ort.InferenceSession.create(join(models, file));
  const x = new ort.Tensor('float32', input(batch), [batch, 3, 224, 224]);
  return { run: () => session.run({ input: x }) };
}
