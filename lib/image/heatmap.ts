import { setImmediate } from 'node:timers/promises';
import type { Sharp } from 'sharp';
import type { NativePicture } from '../native/addon';
import type { Explanation } from './explain';
import { heatColors } from './heat-colors';
import { loadSharp } from './sharp';
import { SvgText } from './svg-text';

/**
 * Draws a class activation map over its picture, with a caption of class and score. The more evidence for the class,
 * the stronger the color; evidence against it has none. What the network did not see is dark gray.
 *
 * @param crop - the side of the network's input, in pixels
 * @returns a PNG file
 */
export async function drawHeatmap(picture: NativePicture, explanation: Explanation, crop: number): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const fromRaw = (data: Uint8Array, width: number, height: number): Sharp =>
    sharp(data, { raw: { width, height, channels: 3 }, limitInputPixels: false });
  const { width, height } = scaledSize(picture);
  const scaled = await fromRaw(picture.data, picture.width, picture.height)
    .resize(width, height, { fit: 'fill' })
    .raw()
    .toBuffer();
  await paint(scaled, width, height, explanation, crop);

  const frame = { width: Math.max(width, MIN_WIDTH), height: height + CAPTION };
  const left = Math.floor((frame.width - width) / 2);
  const framed = await fromRaw(scaled, width, height)
    .extend({ left, right: frame.width - width - left, top: 0, bottom: CAPTION, background: BACKGROUND })
    .composite([{ input: Buffer.from(caption(explanation, frame.width, await SvgText.load())), left: 0, top: height }])
    .raw()
    .toBuffer();
  // composite() has added an alpha channel.
  return await sharp(framed, { raw: { ...frame, channels: 4 } })
    .removeAlpha()
    .png()
    .toBuffer();
}

/** Bounds of the longer side, in pixels: large enough to see details, small enough to send. */
const MAX_SIDE = 1024;
const MIN_SIDE = 640;
/** Height of the caption below the picture. */
const CAPTION = 88;
const MIN_WIDTH = 360;
const BACKGROUND = '#16161a';

function scaledSize({ width, height }: NativePicture): { width: number; height: number } {
  const longer = Math.max(width, height);
  const scale = Math.min(MAX_SIDE, Math.max(MIN_SIDE, longer)) / longer;
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Colors `pixels` in place, yielding to the event loop from time to time. */
async function paint(
  pixels: Uint8Array,
  width: number,
  height: number,
  explanation: Explanation,
  crop: number,
): Promise<void> {
  const { map, crop: region } = explanation;
  const [rows = 1, columns = 1] = map.shape;
  const horizontal = sampler(width, explanation.width, region.left, region.width, crop, columns);
  const vertical = sampler(height, explanation.height, region.top, region.height, crop, rows);
  const values = map.data as Float32Array;
  const max = values.reduce((a, b) => Math.max(a, b), 0) || 1;
  const colors = heatColors();
  const border = Math.max(1, Math.round(Math.min(width, height) / 300));

  for (let y = 0, at = 0; y < height; y++) {
    // The map interpolated vertically at this row.
    const mapRow = Float32Array.from({ length: columns }, (_, j) =>
      vertical.taps(y).reduce((sum, [i, weight]) => sum + weight * (values[i * columns + j] ?? 0), 0),
    );
    const [rowInside, rowDistance] = [vertical.inside(y), vertical.edgeDistance(y)];
    for (let x = 0; x < width; x++, at += 3) {
      const [red, green, blue] = [pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0];
      const gray = 0.299 * red + 0.587 * green + 0.114 * blue;
      if (!rowInside || !horizontal.inside(x)) {
        pixels[at] = pixels[at + 1] = pixels[at + 2] = Math.round(20 + 0.38 * gray);
        continue;
      }
      let value = 0;
      for (const [j, weight] of horizontal.taps(x)) value += weight * (mapRow[j] ?? 0);
      const heat = Math.min(1, Math.max(0, value / max));
      const color = 3 * Math.round(255 * heat);
      const opacity = 0.72 * Math.sqrt(heat);
      const edge = Math.min(rowDistance, horizontal.edgeDistance(x)) < border;
      for (let c = 0; c < 3; c++) {
        const base = 0.6 * gray + 0.4 * (pixels[at + c] ?? 0);
        const painted = (1 - opacity) * base + opacity * (colors[color + c] ?? 0);
        pixels[at + c] = Math.round(edge ? 0.3 * painted + 0.7 * 255 : painted);
      }
    }
    if (y % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await setImmediate();
  }
}

/** Rows painted before yielding: a few milliseconds of work. */
const ROWS_AT_ONCE = 64;

/** Interpolation along one axis. */
interface Sampler {
  /** The cells of the map that a pixel is interpolated from, with their weights. */
  taps: (pixel: number) => readonly (readonly [cell: number, weight: number])[];
  /** Whether the network saw the pixel. */
  inside: (pixel: number) => boolean;
  /** Pixels to the nearest edge of the crop; infinite if that edge is the picture's. */
  edgeDistance: (pixel: number) => number;
}

/**
 * @param shown - pixels drawn along the axis
 * @param length - the picture's length
 * @param start - where the crop starts in the picture
 * @param extent - the crop's length in the picture
 * @param crop - the crop's length in the network's input
 * @param cells - the map's length
 */
function sampler(shown: number, length: number, start: number, extent: number, crop: number, cells: number): Sampler {
  const scale = shown / length;
  const all = Array.from({ length: shown }, (_, pixel) => {
    const within = ((pixel + 0.5) / scale - start) / extent;
    return { taps: cubicTaps((within * crop - 0.5) / STRIDE, cells), inside: within >= 0 && within < 1 };
  });
  const [first, last] = [start * scale, (start + extent) * scale];
  return {
    taps: (pixel) => all[pixel]?.taps ?? [],
    inside: (pixel) => all[pixel]?.inside ?? false,
    edgeDistance: (pixel) =>
      Math.min(first > 0.5 ? pixel + 0.5 - first : Infinity, last < shown - 0.5 ? last - pixel - 0.5 : Infinity),
  };
}

/** Pixels of the network's input between neighboring cells of the map; the first cell is at pixel 0. */
const STRIDE = 32;

/** Catmull-Rom spline through the cells, clamped at both ends. */
function cubicTaps(position: number, cells: number): [number, number][] {
  const clamped = Math.min(cells - 1, Math.max(0, position));
  const before = Math.floor(clamped);
  const t = clamped - before;
  const weights = [
    ((2 - t) * t - 1) * t * 0.5,
    ((3 * t - 5) * t * t + 2) * 0.5,
    ((4 - 3 * t) * t + 1) * t * 0.5,
    (t - 1) * t * t * 0.5,
  ];
  return weights.map((weight, i) => [Math.min(cells - 1, Math.max(0, before - 1 + i)), weight]);
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
