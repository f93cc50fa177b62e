import { randomBytes } from 'node:crypto';
import sharp from 'sharp';
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

test('onError is not called once the call has failed, though a slow picture is still being decoded', async () => {
  const raw = { width: 3000, height: 3000, channels: 3 } as const;
  const whole = await sharp(randomBytes(3000 * 3000 * 3), { raw })
    .jpeg()
    .toBuffer();
  const slow = whole.subarray(0, -whole.length / 10); // fails at its end
  const failed: number[] = [];
  const onError = (_: Error, index: number): void => {
    failed.push(index);
    throw new Error('enough');
  };
  const name = (index: number): string => `image[${index}]`;
  const batches = pictures.cropAll([slow, missing], { batchSize: 2, name, onError });
  await expect(batches.next()).rejects.toThrow('enough');
  const before = [...failed];
  await expect(pictures.decode(slow, 'image')).rejects.toMatchObject({ code: 'ERR_IMAGE' }); // begun later, ends later
  expect(failed).toEqual(before);
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
