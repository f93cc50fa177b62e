import sharp from 'sharp';
import type { Explanation } from '../../lib/image/explain';
import { heatColors } from '../../lib/image/heat-colors';
import { drawHeatmap } from '../../lib/image/heatmap';
import { SvgText } from '../../lib/image/svg-text';
import { Tensor } from '../../lib/tensor';

interface Drawing {
  width: number;
  height: number;
  /** Red, green and blue of a pixel. */
  at: (x: number, y: number) => number[];
}

/** A light gray picture of 800 x 640 with a map of 7 x 7 for its central square of 448, twice the crop's size. */
async function draw(map: ArrayLike<number>, changes: Partial<Explanation> = {}): Promise<Drawing> {
  const { width = 800, height = 640 } = changes;
  const picture = { width, height, data: new Uint8Array(width * height * 3).fill(200) };
  const explanation: Explanation = {
    map: new Tensor(Float32Array.from(map), [7, 7]),
    ...{ label: 'goldfish', index: 1, score: 0.875, width, height },
    crop: { left: (width - 448) / 2, top: (height - 448) / 2, width: 448, height: 448 },
    ...changes,
  };
  const png = await drawHeatmap(picture, explanation, 224);
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  expect(info.channels).toBe(3);
  return { ...info, at: (x, y) => [...data.subarray(3 * (y * info.width + x), 3 * (y * info.width + x) + 3)] };
}

const maxDifference = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? NaN))));
const hot = (row: number, column: number): Float32Array => {
  const map = new Float32Array(49).fill(-1);
  map[7 * row + column] = 3;
  return map;
};

test('evidence is brightest at the pixel of its cell; evidence against the class has no color', async () => {
  const { width, height, at } = await draw(hot(2, 5));
  expect([width, height]).toEqual([800, 728]);
  // Pixel (32 * 5, 32 * 2) of the crop, each of them two of the picture's.
  const [x, y] = [176 + 2 * 32 * 5 + 1, 96 + 2 * 32 * 2 + 1];
  const [red = 0, , blue = 0] = at(x, y);
  expect(red - blue).toBeGreaterThan(60); // yellow
  expect(maxDifference(at(x, y + 120), [200, 200, 200])).toBe(0);
  expect(maxDifference(at(x - 32, y), at(x + 32, y))).toBeLessThan(6); // the same on both sides
  expect(maxDifference(at(x, y - 32), at(x + 32, y))).toBeLessThan(6);
});

test('outside of the crop it is dark, with a line at the border', async () => {
  const { at } = await draw(hot(2, 5));
  const [outside = 255] = at(170, 320);
  expect(outside).toBeLessThan(110);
  expect(at(400, 90)[0]).toBe(outside);
  expect(Math.min(...at(176, 500))).toBeGreaterThan(220);
  expect(at(190, 500)).toEqual([200, 200, 200]);
});

test('no evidence, and a picture that is smaller than the crop', async () => {
  const { at } = await draw(new Float32Array(49), { crop: { left: -10, top: -100, width: 840, height: 840 } });
  for (const [x, y] of [[0, 0], [799, 639], [400, 320]] as const) expect(at(x, y)).toEqual([200, 200, 200]); // prettier-ignore
});

test.each<[number, number, number, number]>([
  [40, 20, 640, 408],
  [3000, 1500, 1024, 600],
  [1, 900, 360, 988],
])('a picture of %i x %i', async (width, height, drawnWidth, drawnHeight) => {
  const drawing = await draw(hot(0, 0), { width, height, crop: { left: 0, top: 0, width, height } });
  expect([drawing.width, drawing.height]).toEqual([drawnWidth, drawnHeight]);
});

test.each<[string, string]>([
  ['a short text', 'goldfish'],
  ['a long one', 'x'.repeat(500)],
  ['one that XML cannot hold', '\u0000<b>&\ud800"\u732b'.repeat(60)],
])('a caption of %s', async (_, label) => {
  const { at } = await draw(hot(0, 0), { label });
  let white = 0;
  for (let y = 640; y < 728; y++) for (let x = 600; x < 800; x++) white += Number(Math.min(...at(x, y)) > 200);
  expect(white).toBeGreaterThan(150); // the score, whatever the label
});

test('the perceived lightness of the colors increases monotonically', () => {
  const colors = heatColors();
  const lightness = Array.from({ length: 256 }, (_, i) => {
    const [red = 0, green = 0, blue = 0] = Array.from(colors.subarray(3 * i, 3 * i + 3), (c) => (c / 255) ** 2.2);
    return Math.cbrt(0.2126 * red + 0.7152 * green + 0.0722 * blue);
  });
  const steps = lightness.slice(8).map((value, i) => value - lightness[i]!);
  expect(Math.min(...steps)).toBeGreaterThan(0);
  expect(lightness[255]! - lightness[0]!).toBeGreaterThan(0.5);
});

describe('SvgText', () => {
  const draw = async (label: string, maxWidth?: number): Promise<string> =>
    (await SvgText.load()).line(label, 0, 20, 28, '#fff', maxWidth);
  /** The largest x of the path's points. */
  const rightmost = (svg: string): number =>
    Math.max(...[...svg.matchAll(/[MLQ ](-?[\d.]+)(?=[ -])/g)].map(([, x]) => Number(x)));

  test('letters are outlines and need no font of the system', async () => {
    const svg = await draw("black-and-tan coonhound, jack-o'-lantern (87.3 %) & Co.");
    expect(svg).toMatch(/^<path fill="#fff" d="M[-\d. MLQCZ]+"\/>$/);
  });

  test('the font has every letter of ImageNet and a box for what it lacks', async () => {
    const names = jest.requireActual<string[]>('../../lib/image/imagenet-classes.json');
    const letters = [...new Set(names.join(''))].filter((letter) => letter !== ' ');
    const box = await draw('\u732b');
    expect(await draw('\u5b57')).toBe(box);
    for (const letter of [...letters, '\u00e9', '\u03b1', '\u0416', '\u2026']) {
      const outline = await draw(letter);
      expect([letter, outline === box, outline.includes('M')]).toEqual([letter, false, true]);
    }
  });

  test('a text that is too long is cut and ends in an ellipsis', async () => {
    const text = await SvgText.load();
    expect(text.width('iiii', 28)).toBeLessThan(text.width('mmmm', 28));
    const room = text.width('mm\u2026', 28) + 1;
    expect(await draw('m'.repeat(100), room)).toBe(await draw('mm\u2026'));
    expect(await draw('mm', room)).toBe(await draw('mm'));
    expect(rightmost(await draw('\u732b'.repeat(100), 200))).toBeLessThan(200);
  });

  test('control characters, markup and halves of surrogate pairs are harmless', async () => {
    expect(await draw('a\u0000b\ud800c\u202ed\n')).toBe(await draw('a b c d '));
    expect(await draw('<b>&"')).toMatch(/^<path fill="#fff" d="M[-\d. MLQCZ]+"\/>$/);
  });
});
