import { join } from 'node:path';
import { addon } from '../../lib/native/addon';
import { ImageClassifier, ResNet } from '../../lib/index';
import { temporaryFolder } from '../support/files';
import { testOn } from '../support/processor';
import { fixture } from './pictures';

const folder = temporaryFolder();
const names = ['landscape.jpg', 'portrait.png', 'small.png'].map(fixture);
const create = (options: object = {}): Promise<ImageClassifier> =>
  ImageClassifier.create({ weights: 'random:1', layers: 18, ...options });

/** The scores of all classes, by their numbers. */
async function scores(classifier: ImageClassifier, name: string): Promise<number[]> {
  const predictions = await classifier.classify(name, { topK: 1000 });
  return predictions.sort((a, b) => a.index - b.index).map(({ score }) => score);
}

test('float32 answers as the network does', async () => {
  const path = join(folder, 'net.safetensors');
  using net = new ResNet(18, 1000, { seed: 1 });
  await net.save(path);
  using drawn = await create();
  using loaded = await create({ weights: path, layers: undefined });
  expect(drawn.dtype).toBe('float32');
  expect(await scores(loaded, names[0]!)).toEqual(await scores(drawn, names[0]!));
});

testOn('bfloat16')('bfloat16 answers nearly the same', async () => {
  using exact = await create();
  using classifier = await create({ dtype: 'bfloat16' });
  const [a, b] = [await scores(exact, names[0]!), await scores(classifier, names[0]!)];
  a.forEach((score, i) => expect(Math.abs(b[i]! - score)).toBeLessThan(0.05 * score + 1e-4));
});

testOn('int8')('int8 is calibrated by pictures; the calibration is saved and gives the same answers', async () => {
  const file = join(folder, 'calibration.json');
  using classifier = await create({ dtype: 'int8', calibration: names });
  await classifier.saveCalibration(file);
  using again = await create({ dtype: 'int8', calibration: file });
  expect(await scores(again, names[1]!)).toEqual(await scores(classifier, names[1]!));
});

test('a float32 classifier has no calibration to save, a disposed one nothing at all', async () => {
  const classifier = await create();
  await expect(classifier.saveCalibration('x')).rejects.toMatchObject({ code: 'ERR_CALIBRATION' });
  classifier.dispose();
  await expect(classifier.saveCalibration('x')).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
});

test('the memory of the network that was loaded is given back', async () => {
  const before = addon()._externalMemory();
  using classifier = await create({ numClasses: 10 });
  const held = addon()._externalMemory() - before;
  // ResNet-18 without its classifier has 11.2 million values; Winograd's weights are 16 instead of 9.
  expect(held / 4e6).toBeGreaterThan(11);
  expect(held / 4e6).toBeLessThan(15);
  expect(classifier.numClasses).toBe(10);
});
