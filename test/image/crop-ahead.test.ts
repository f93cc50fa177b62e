import { Pictures } from '../../lib/image/pictures';
import { checkPreprocess } from '../../lib/image/preprocess';
import { addon } from '../../lib/native/addon';
import { fixture } from './pictures';
import { until } from '../support/until';

const pictures = new Pictures(checkPreprocess(), 1e8);
const good = fixture('small.png');
const missing = 'nowhere.png';

/** Batches of one picture, and the places of those that were begun. */
function cropOneByOne(images: readonly string[], onError?: (error: Error, index: number) => void) {
  const begun: number[] = [];
  const name = (index: number): string => `${begun.push(index) && index}`;
  return { begun, batches: pictures.cropAll(images, { batchSize: 1, name, onError }) };
}

test('the next batch, and no other, is cropped while the caller works on one', async () => {
  const failed: number[] = [];
  const { begun, batches } = cropOneByOne([good, missing, good, good], (_, index) => failed.push(index));
  expect((await batches.next()).value).toHaveLength(1);
  await until(() => failed.length > 0); // nobody has asked for it yet
  expect([failed, begun]).toEqual([[1], [0, 1]]);
  expect((await batches.next()).value).toEqual([undefined]);
  expect(begun).toEqual([0, 1, 2]);
  await batches.return(undefined);
});

test('a batch that fails ahead of time fails when it is asked for', async () => {
  const { batches } = cropOneByOne([good, missing]);
  await batches.next();
  await expect(batches.next()).rejects.toMatchObject({ code: 'ERR_FILE' });
});

test('a caller that stops early leaves no work behind, nor an error that nobody awaits', async () => {
  const { begun, batches } = cropOneByOne([good, missing, good]);
  await batches.next();
  await expect(batches.return(undefined)).resolves.toEqual({ done: true, value: undefined });
  expect(begun).toEqual([0, 1]);
});

test('cropping does not wait for a forward', async () => {
  const x = { dtype: 'float32' as const, shape: [8, 3, 224, 224], data: new Float32Array(8 * 3 * 224 * 224) };
  const options = { device: 'cpu', seed: 0, initialize: true };
  const network = addon().createModule({ type: 'ResNet', layers: 50, numClasses: 10 }, options);
  const order: string[] = [];
  const forward = network.forward(x).promise.then(() => order.push('forward'));
  const picture = await pictures.decode(good, 'image');
  await pictures.resizeAndCrop(picture).then(() => order.push('crop'));
  await forward;
  network.dispose();
  expect(order).toEqual(['crop', 'forward']);
});
