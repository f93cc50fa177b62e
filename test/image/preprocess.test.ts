import { addon, type NativePreprocess } from '../../lib/addon';
import { decode } from '../../lib/image/decode';
import { checkPreprocess, checkResized } from '../../lib/image/preprocess';
import expected from '../fixtures/preprocess/expected.json';
import { fixture } from './pictures';

/** The pixels that torchvision makes of a picture. */
async function golden(name: string): Promise<Uint8Array> {
  return (await decode(fixture(name))).data;
}

async function cropped(name: string, preprocess: NativePreprocess): Promise<Uint8Array> {
  const { data } = await addon().resizeAndCrop([await decode(fixture(name))], preprocess).promise;
  return data as Uint8Array;
}

const resizeOf = Object.fromEntries(expected.map(({ image, resize }) => [image, resize]));

test.each([
  ['landscape.png', 'landscape.expected.png'],
  ['portrait.png', 'portrait.expected.png'],
  ['small.png', 'small.expected.png'],
  ['landscape.jpg', 'landscape.jpg.expected.png'],
])("%s is resized and cropped as by torchvision's preset", async (name, expectedName) => {
  const ours = await cropped(name, checkPreprocess({ resize: resizeOf[name] ?? 256 }));
  const theirs = await golden(expectedName);
  expect(ours).toHaveLength(theirs.length);
  let [largest, different] = [0, 0];
  ours.forEach((value, i) => {
    const difference = Math.abs(value - theirs[i]!);
    largest = Math.max(largest, difference);
    if (difference > 0) different++;
  });
  expect(largest).toBeLessThanOrEqual(1);
  expect(different / ours.length).toBeLessThanOrEqual(0.005);
});

test.each(expected)('$image is normalised as by torchvision', async ({ image, resize, crop, ...values }) => {
  const picture = await decode(fixture(image));
  const { shape, data } = await addon().preprocess([picture], checkPreprocess({ resize, crop })).promise;
  expect(shape).toEqual([1, 3, crop, crop]);
  const plane = crop * crop;
  const level = 1 / 255 / 0.224 + 1e-4; // what one level of 255 amounts to, about
  for (let c = 0; c < 3; c++) {
    const channel = (data as Float32Array).subarray(c * plane, (c + 1) * plane);
    const mean = channel.reduce((a, b) => a + b, 0) / plane;
    expect(Math.abs(mean - values.normalisedMean[c]!)).toBeLessThan(1e-3);
    expect(Math.abs(channel[0]! - values.first[c]!)).toBeLessThan(level);
    expect(Math.abs(channel[(crop / 2) * crop + crop / 2]! - values.centre[c]!)).toBeLessThan(level);
  }
});

test('defaults', () => {
  const mean = [0.485, 0.456, 0.406];
  const std = [0.229, 0.224, 0.225];
  expect(checkPreprocess()).toEqual({ resize: 256, crop: 224, mean, std });
  expect(checkPreprocess({ crop: 32 })).toEqual({ resize: 256, crop: 32, mean, std });
});

test('a long strip has few pixels until it is resized', () => {
  const strip = { data: new Uint8Array(0), width: 20_000, height: 1 };
  expect(() => checkResized(strip, 256, 1e8, 'image')).toThrow(
    expect.objectContaining({
      code: 'ERR_IMAGE',
      message: expect.stringMatching(/^image .*20000 x 1 .*256 x 5120000/),
    }),
  );
  expect(() => checkResized({ ...strip, width: 1000 }, 256, 1e8, 'image')).not.toThrow();
});

test.each<[any, RegExp]>([
  [null, /^preprocess must/],
  [{ resize: 0 }, /^preprocess\.resize/],
  [{ resize: 1.5 }, /^preprocess\.resize/],
  [{ crop: '224' }, /^preprocess\.crop/],
  [{ crop: 2 ** 20 }, /^preprocess\.crop/],
  [{ mean: [0, 0] }, /^preprocess\.mean/],
  [{ mean: [0, 0, NaN] }, /^preprocess\.mean/],
  [{ std: [1, 1, 0] }, /^preprocess\.std/],
  [{ std: 'abc' }, /^preprocess\.std/],
])('%j is refused', (preprocess, message) => {
  expect(() => checkPreprocess(preprocess)).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringMatching(message) }),
  );
});
