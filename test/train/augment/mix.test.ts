import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BasicBlock, Tensor } from '../../../lib/index';
import { Trainer, type Mix, type StepResult } from '../../../lib/train/index';

/** What torchvision's MixUp and CutMix made of this batch; make_torchvision.py wrote it. */
const { mixed } = JSON.parse(readFileSync(join(__dirname, 'torchvision.json'), 'utf8')) as {
  mixed: { mix: Mix; images: string; target: string }[];
};
const SHAPE = [3, 3, 8, 8];
const X = new Tensor(
  Float32Array.from({ length: 576 }, (_, i) => (((i * 37) % 101) - 50) / 32),
  SHAPE,
);
const LABELS = [3, 0, 1];

const floats = (base64: string): Float32Array => new Float32Array(new Uint8Array(Buffer.from(base64, 'base64')).buffer);

/** What a step gives and leaves behind, always from the same weights. */
async function stepped(
  x: Tensor,
  target: Tensor | readonly number[],
  mix?: Mix,
): Promise<[StepResult, Map<string, Tensor>]> {
  using net = new BasicBlock(3, 4, 1, { seed: 1 });
  using trainer = new Trainer(net, { threads: 1 });
  const result = await trainer.step(x, target, { mix });
  return [result, net.stateDict()];
}

test.each(mixed)("$mix: a step on torchvision's batch, bit for bit", async ({ mix, images, target }) => {
  const theirs = await stepped(new Tensor(floats(images), SHAPE), new Tensor(floats(target), [3, 4]));
  expect(await stepped(X, LABELS, mix)).toEqual(theirs);
  const oneHot = new Float32Array(12);
  LABELS.forEach((label, i) => (oneHot[4 * i + label] = 1));
  expect(await stepped(X, new Tensor(oneHot, [3, 4]), mix)).toEqual(theirs);
});

test('pictures are mixed after they are normalized', async () => {
  const pictures = Uint8Array.from({ length: 3 * 8 * 8 * 3 }, (_, i) => (i * 37) % 251);
  const mean = [0.485, 0.456, 0.406];
  const std = [0.229, 0.224, 0.225];
  const normalized = new Float32Array(pictures.length);
  pictures.forEach((value, i) => {
    const [image, pixel, channel] = [Math.floor(i / 192), Math.floor((i % 192) / 3), i % 3];
    normalized[(image * 3 + channel) * 64 + pixel] = (value / 255 - mean[channel]!) / std[channel]!;
  });
  const mix = { lambda: 0.3 };
  const [result] = await stepped(new Tensor(pictures, [3, 8, 8, 3]), LABELS, mix);
  const [expected] = await stepped(new Tensor(normalized, SHAPE), LABELS, mix);
  expect(result.loss).toBeCloseTo(expected.loss, 5);
});

test.each<[any, RegExp]>([
  [0.5, /^mix must be an object/],
  [{ lambda: 1.5 }, /^mix.lambda must be a number from 0 to 1/],
  [{ lambda: NaN }, /^mix.lambda /],
  [{ lambda: 0.5, alpha: 1 }, /^mix must have no names but lambda, box/],
  [{ lambda: 0.5, box: [0, 0, 1] }, /^mix.box must be \[top, left, height, width\]/],
  [{ lambda: 0.5, box: [0, 0, 0, 1] }, /^mix.box must be an integer from 1/],
  [{ lambda: 0.5, box: [4, 0, 5, 1] }, /^mix.box must lie within the 8 x 8 pixels/],
])('%j is refused: ERR_ARGUMENT', async (mix, message) => {
  await expect(stepped(X, LABELS, mix)).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringMatching(message),
  });
});
