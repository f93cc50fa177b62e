import { addon, type NativeAugmentPlan, type NativePicture } from '../../../lib/native/addon';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What torchvision made of these pictures; make_torchvision.py wrote it. */
const { width, height, cases } = JSON.parse(readFileSync(join(__dirname, 'torchvision.json'), 'utf8')) as {
  width: number;
  height: number;
  cases: { picture: 'noise' | 'smooth'; plan: NativeAugmentPlan; expected: string }[];
};

const VALUES = {
  noise: (y: number, x: number, c: number): number =>
    (x * x * 7 + y * x * 13 + y * y * 3 + x * 29 + c * 89) ^ (x * y * 5),
  smooth: (y: number, x: number, c: number): number => 50 + ((x * 5 + y * 3 + c * (20 + x)) % 120),
};

/** The same formula as in make_torchvision.py. */
function pictureOf(kind: keyof typeof VALUES): NativePicture {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) =>
    VALUES[kind](Math.floor(i / 3 / width), Math.floor(i / 3) % width, i % 3),
  );
  return { data, width, height };
}

const named = cases.map(({ picture, plan, expected }) => ({ name: nameOf(plan), picture, plan, expected }));

function nameOf({ box, size, interpolation, jitter, trivial, erase }: NativeAugmentPlan): string {
  const part =
    trivial === undefined
      ? (jitter?.order.map((name) => `${name} ${jitter[name]}`).join(', ') ?? (erase ? 'erase' : interpolation))
      : `${trivial.operation} ${trivial.magnitude}`;
  return `${part} of ${box.join(', ')} to ${size}`;
}

test.each(named)("$name ($picture): torchvision's pixels, within one level", async ({ picture, plan, expected }) => {
  const { dtype, shape, data } = await addon().augment(pictureOf(picture), plan).promise;
  const { size } = plan;
  expect({ dtype, shape }).toEqual({ dtype: 'uint8', shape: [size, size, 3] });
  const theirs = Buffer.from(expected, 'base64');
  const differences = theirs.map((value, i) => Math.abs(value - (data[i] as number)));
  expect(differences).toHaveLength(3 * size * size);
  expect(Math.max(...differences)).toBeLessThanOrEqual(1);
});

const plan: NativeAugmentPlan = { box: [0, 0, 16, 20], size: 8, interpolation: 'bilinear', flip: false };

test.each<[any, RegExp]>([
  [undefined, /^plan must be an object/],
  [{ box: [0, 0, 16] }, /^box must hold top, left, height and width/],
  [{ box: [0, 0, 16, 0] }, /^box must be an integer from 1/],
  [{ box: [0, -1, 16, 20] }, /^box must be an integer from 0/],
  [{ size: 0 }, /^size must be an integer from 1 to 4096/],
  [{ size: 4097 }, /^size /],
  [{ interpolation: 'nearest' }, /^interpolation must be 'bilinear' or 'bicubic'/],
  [{ flip: 1 }, /^flip must be a boolean/],
  [{ jitter: { order: ['gamma'] } }, /^jitter.order must be one of 'brightness', 'contrast', 'saturation', 'hue'/],
  [{ jitter: { order: ['hue'] } }, /^jitter.hue must be a number/],
  [{ jitter: { order: ['hue'], hue: 0.6 } }, /^jitter.hue must be a number from -0.5 to 0.5\.$/],
  [{ jitter: { order: ['contrast'], contrast: NaN } }, /^jitter.contrast must be a number from 0/],
  [{ jitter: { order: ['contrast'], contrast: -1 } }, /^jitter.contrast /],
  [{ jitter: { order: new Array(5).fill('hue'), hue: 0 } }, /^jitter.order must hold at most four names/],
  [{ trivial: { operation: 'invert', magnitude: 0 } }, /^trivial.operation must be one of 'identity', 'shearX'/],
  [{ trivial: { operation: 'posterize', magnitude: 9 } }, /^trivial.magnitude must be a number from 0/],
  [{ trivial: { operation: 'rotate', magnitude: Infinity } }, /^trivial.magnitude /],
  [{ erase: { box: [0, 0, 1, 1], value: [0, 0] } }, /^erase.value must hold red, green and blue/],
  [{ erase: { box: [0, 0, 1, 1], value: [0, 0, 256] } }, /^erase.value must be an integer from 0 to 255/],
])('%j is refused: ERR_ARGUMENT', (wrong, message) => {
  const made = wrong === undefined ? wrong : { ...plan, ...wrong };
  expect(() => addon().augment(pictureOf('noise'), made)).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringMatching(message) }),
  );
});

test.each<[Partial<NativeAugmentPlan>, string]>([
  [{ box: [10, 0, 7, 20] }, 'box must lie within the 20 x 16 pixels'],
  [{ box: [0, 20, 1, 1] }, 'box must lie within the 20 x 16 pixels'],
  [{ erase: { box: [0, 8, 1, 1], value: [0, 0, 0] } }, 'erase.box must lie within the 8 x 8 pixels'],
])('%j lies beyond its picture: ERR_ARGUMENT', async (wrong, message) => {
  await expect(addon().augment(pictureOf('noise'), { ...plan, ...wrong }).promise).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining(message),
  });
});

test('a picture of another length than its sides say is refused', () => {
  const picture = { ...pictureOf('noise'), height: 17 };
  expect(() => addon().augment(picture, plan)).toThrow(expect.objectContaining({ code: 'ERR_SHAPE' }));
});
