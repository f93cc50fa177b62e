import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { ImageClassifier } = createRequire(import.meta.url)('../..');

/** What a server starts: weights on one copy, a picture decoded, resized and named. */
export async function open({ layers, dtype, models }) {
  const classifier = await ImageClassifier.create({
    weights: join(models, `resnet${layers}.safetensors`),
    dtype,
    calibration: dtype === 'int8' ? join(models, `resnet${layers}.calibration.json`) : undefined,
  });
  const picture = readFileSync(join(models, 'picture.jpg'));
  return { run: () => classifier.classify(picture) };
}
