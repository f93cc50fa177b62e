import { setImmediate } from 'node:timers/promises';
import type { Sharp } from 'sharp';
import type { NativePicture } from '../addon';
import type { Explanation } from './explain';
import { heatColors } from './heat-colors';
import { SvgText } from './svg-text';

/**
 * An explanation laid over its picture, with the class and score below: what the network did not see is gray, the
 * rest the more colored the more it speaks for the class. Places that speak against it have no color.
 *
 * @param crop - side of the square that the network got, in its pixels
 * @returns a PNG file's bytes
 */
export async function drawHeatmap(picture: NativePicture, explanation: Explanation, crop: number): Promise<Uint8Array> {
  const sharp = (await import('sharp')).default;
  const raw = (data: Uint8Array, width: number, height: number): Sharp =>
    sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false });
  const { width, height } = shownSize(picture);
  const shown = await raw(picture.data, picture.width, picture.height)
    .resize(width, height, { fit: 'fill' })
    .raw()
    .toBuffer();
  await paint(shown, width, height, explanation, crop);

  const frame = { width: Math.max(width, MIN_WIDTH), height: height + CAPTION };
  const left = Math.floor((frame.width - width) / 2);
  const framed = await raw(shown, width, height)
    .extend({ left, right: frame.width - width - left, top: 0, bottom: CAPTION, background: BACKGROUND })
    .composite([{ input: Buffer.from(caption(explanation, frame.width, await SvgText.load())), left: 0, top: height }])
    .raw()
    .toBuffer();
  // Composing has given it an alpha channel, which shows nothing.
  return await sharp(framed, { raw: { ...frame, channels: 4 } })
    .removeAlpha()
    .png()
    .toBuffer();
}

/** Of the longer side, pixels: large enough to look at, small enough to send. */
const LONGEST = 1024;
const SHORTEST = 640;
/** Below the picture. */
const CAPTION = 88;
const MIN_WIDTH = 360;
const BACKGROUND = '#16161a';

function shownSize({ width, height }: NativePicture): { width: number; height: number } {
  const longer = Math.max(width, height);
  const scale = Math.min(LONGEST, Math.max(SHORTEST, longer)) / longer;
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Colors `pixels`, in place; the event loop turns between some lines and the next ones. */
async function paint(
  pixels: Uint8Array,
  width: number,
  height: number,
  explanation: Explanation,
  crop: number,
): Promise<void> {
  const { map, crop: region } = explanation;
  const [rows = 1, columns = 1] = map.shape;
  const across = samples(width, explanation.width, region.left, region.width, crop, columns);
  const down = samples(height, explanation.height, region.top, region.height, crop, rows);
  const values = map.data as Float32Array;
  const most = values.reduce((a, b) => Math.max(a, b), 0) || 1;
  const colors = heatColors();
  const border = Math.max(1, Math.round(Math.min(width, height) / 300));

  for (let y = 0, at = 0; y < height; y++) {
    // This line's values, one for each column of the map.
    const line = Float32Array.from({ length: columns }, (_, j) =>
      down.taps(y).reduce((sum, [i, weight]) => sum + weight * (values[i * columns + j] ?? 0), 0),
    );
    const [lineInside, lineDepth] = [down.inside(y), down.depth(y)];
    for (let x = 0; x < width; x++, at += 3) {
      const [red, green, blue] = [pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0];
      const gray = 0.299 * red + 0.587 * green + 0.114 * blue;
      if (!lineInside || !across.inside(x)) {
        pixels[at] = pixels[at + 1] = pixels[at + 2] = Math.round(20 + 0.38 * gray);
        continue;
      }
      let value = 0;
      for (const [j, weight] of across.taps(x)) value += weight * (line[j] ?? 0);
      const heat = Math.min(1, Math.max(0, value / most));
      const color = 3 * Math.round(255 * heat);
      const share = 0.72 * Math.sqrt(heat);
      const edge = Math.min(lineDepth, across.depth(x)) < border;
      for (let c = 0; c < 3; c++) {
        const base = 0.6 * gray + 0.4 * (pixels[at + c] ?? 0);
        const painted = (1 - share) * base + share * (colors[color + c] ?? 0);
        pixels[at + c] = Math.round(edge ? 0.3 * painted + 0.7 * 255 : painted);
      }
    }
    if (y % LINES === LINES - 1) await setImmediate();
  }
}

/** Painted at a time: some milliseconds. */
const LINES = 64;

interface Samples {
  /** Which places of the map a pixel is made of, and how much of each. */
  taps: (pixel: number) => readonly (readonly [place: number, weight: number])[];
  /** Whether the network saw it. */
  inside: (pixel: number) => boolean;
  /** Pixels from it to the edge of what the network saw, where that edge lies within the picture. */
  depth: (pixel: number) => number;
}

/** Along one side: pixels shown, the picture's length, where the crop lies in it, its length in the network's pixels. */
function samples(shown: number, length: number, start: number, extent: number, crop: number, places: number): Samples {
  const scale = shown / length;
  const all = Array.from({ length: shown }, (_, pixel) => {
    const within = ((pixel + 0.5) / scale - start) / extent;
    return { taps: cubic((within * crop - 0.5) / STRIDE, places), inside: within >= 0 && within < 1 };
  });
  const [first, last] = [start * scale, (start + extent) * scale];
  return {
    taps: (pixel) => all[pixel]?.taps ?? [],
    inside: (pixel) => all[pixel]?.inside ?? false,
    depth: (pixel) =>
      Math.min(first > 0.5 ? pixel + 0.5 - first : Infinity, last < shown - 0.5 ? last - pixel - 0.5 : Infinity),
  };
}

/** Pixels of the crop from one place of the last map to the next, the first one at 0. */
const STRIDE = 32;

/** Catmull and Rom's cubic through the places; beyond the last one its value goes on. */
function cubic(position: number, places: number): [number, number][] {
  const held = Math.min(places - 1, Math.max(0, position));
  const before = Math.floor(held);
  const t = held - before;
  const weights = [
    ((2 - t) * t - 1) * t * 0.5,
    ((3 * t - 5) * t * t + 2) * 0.5,
    ((4 - 3 * t) * t + 1) * t * 0.5,
    (t - 1) * t * t * 0.5,
  ];
  return weights.map((weight, i) => [Math.min(places - 1, Math.max(0, before - 1 + i)), weight]);
}

function caption({ label, index, score }: Explanation, width: number, text: SvgText): string {
  const [margin, title, small] = [18, 26, 16]; // font sizes
  const percent = `${(100 * score).toFixed(1)} %`;
  const percentLeft = width - margin - text.width(percent, title);
  const colors = heatColors();
  const stops = [0, 51, 102, 153, 204, 255].map(
    (i) => `<stop offset="${i / 255}" stop-color="rgb(${colors.subarray(3 * i, 3 * i + 3).join(',')})"/>`,
  );
  const bar = { width: 90, left: width - margin - 90 };
  const evidenceLeft = bar.left - 12 - text.width('evidence', small);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${CAPTION}">`,
    `<defs><linearGradient id="heat">${stops.join('')}</linearGradient></defs>`,
    text.line(label, margin, 36, title, '#fff', percentLeft - 2 * margin),
    text.line(percent, percentLeft, 36, title, '#fff'),
    text.line(`class ${index}`, margin, 70, small, '#a6a6b0', evidenceLeft - 2 * margin),
    text.line('evidence', evidenceLeft, 70, small, '#a6a6b0'),
    `<rect x="${bar.left}" y="60" width="${bar.width}" height="9" rx="4.5" fill="url(#heat)"/>`,
    '</svg>',
  ].join('');
}
