import { addon, type NativeResizeOptions } from '../../lib/native/addon';
import { decode } from '../../lib/image/decode';
import { checkPreprocess, checkResized } from '../../lib/image/preprocess';
import { PRESETS } from '../../lib/image/presets';
import expected from '../fixtures/preprocess/expected.json';
import { normalized } from '../support/normalize';
import { fixture } from './pictures';

/** The pixels that torchvision makes of a picture. */
async function golden(name: string): Promise<Uint8Array> {
  return (await decode(fixture(name))).data;
}

async function cropped(name: string, options: NativeResizeOptions): Promise<Uint8Array> {
  const { data } = await addon().resizeAndCrop([await decode(fixture(name))], options).promise;
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

test.each(expected)('$image is normalized as by torchvision', async ({ image, resize, crop, ...values }) => {
  const picture = await decode(fixture(image));
  const { shape, data } = await normalized(picture, checkPreprocess({ resize, crop }));
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

const [mean, std] = [
  [0.485, 0.456, 0.406],
  [0.229, 0.224, 0.225],
];

test.each<[any, object]>([
  [undefined, { resize: 256, crop: 224, interpolation: 'bilinear', mean, std }],
  ['imagenet-v1', { resize: 256, crop: 224, interpolation: 'bilinear', mean, std }],
  ['imagenet-v2', { resize: 232, crop: 224, interpolation: 'bilinear', mean, std }],
  ['timm', { resize: 235, crop: 224, interpolation: 'bicubic', mean, std }],
  ['huggingface', { resize: 256, crop: 224, interpolation: 'bicubic', mean, std }],
  [{ crop: 32 }, { resize: 256, crop: 32, interpolation: 'bilinear', mean, std }],
  [
    { preset: 'timm', crop: 288 },
    { resize: 303, crop: 288, interpolation: 'bicubic', mean, std },
  ],
  [
    { preset: 'timm', resize: 240 },
    { resize: 240, crop: 224, interpolation: 'bicubic', mean, std },
  ],
  [
    { preset: 'imagenet-v2', cropRatio: 1 },
    { resize: 224, crop: 224, interpolation: 'bilinear', mean, std },
  ],
  [
    { interpolation: 'bicubic', mean: std },
    { resize: 256, crop: 224, interpolation: 'bicubic', mean: std, std },
  ],
])('%j, filled in', (preprocess, expected) => {
  expect(checkPreprocess(preprocess)).toEqual(expected);
});

test('what the source tells goes before the default, and a named preset or an option before that', () => {
  const told = { resize: 288, crop: 288, interpolation: 'bicubic', std: [1, 1, 1] } as const;
  expect(checkPreprocess(undefined, told)).toEqual({ ...told, mean });
  expect(checkPreprocess({ cropRatio: 0.5, std }, told)).toEqual({ ...told, resize: 576, mean, std });
  expect(checkPreprocess('imagenet-v2', told)).toEqual({ ...PRESETS['imagenet-v2'] });
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
  ['imagenet-v3', /^preprocess\.preset must be 'imagenet-v1', .* or 'huggingface', but got "imagenet-v3"/],
  ['toString', /^preprocess\.preset/],
  [{ size: 224 }, /^preprocess must have no names but .*crop.*, but got "size"/],
  [{ resize: 256, cropRatio: 0.9 }, /^preprocess must have resize or cropRatio/],
  [{ cropRatio: 0 }, /^preprocess\.cropRatio/],
  [{ cropRatio: 1.1 }, /^preprocess\.cropRatio/],
  [{ cropRatio: '0.9' }, /^preprocess\.cropRatio/],
  [{ cropRatio: 1e-9 }, /^preprocess\.resize/],
  [{ crop: 4097 }, /^preprocess\.crop .* 1 to 4096/],
  [{ interpolation: 'nearest' }, /^preprocess\.interpolation must be 'bilinear' or 'bicubic'/],
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
