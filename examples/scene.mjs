// Draws a photograph-like scene, so that the first run needs no picture and no license.
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const [WIDTH, HEIGHT] = [640, 480];
const HORIZON = 288;

/** Draws the scene of `seed` to a JPEG file and returns the file's path. */
export async function drawScene(path = fileURLToPath(new URL('../build/scene.jpg', import.meta.url)), seed = 7) {
  await mkdir(dirname(path), { recursive: true });
  await sharp(scene(seed), { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .jpeg({ quality: 92 })
    .toFile(path);
  return path;
}

/** The scene's pixels: sky, sun, clouds and mountains, all of it again in the water, and a bank with grass before it. */
export function scene(seed) {
  const noise = fractalNoise(seed);
  const ridges = RIDGES.map((ridge, i) => ridgeLine(noise, ridge, i));
  const bank = grassyBank(noise, seed + 2);
  const pixels = new Uint8Array(WIDTH * HEIGHT * 3);
  const grain = random(seed + 1);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      let color = y < HORIZON ? land(noise, ridges, x, y) : water(noise, ridges, x, y);
      color = mix(color, HAZE, 0.5 * Math.exp(-(((y - HORIZON + 3) / 9) ** 2)) * (0.4 + noise(x / 90, 3.5, 3))); // mist lies on the water
      color = mix(color, bank.color(x, y), bank.cover[y * WIDTH + x]);
      const offset = (y * WIDTH + x) * 3;
      const speck = (grain() - 0.5) * 5; // sensor noise
      for (let c = 0; c < 3; c++) pixels[offset + c] = clamp(color[c] + speck, 0, 255);
    }
  }
  return pixels;
}

const SUN = { x: 452, y: 148, radius: 15 };
const SKY = { zenith: [52, 96, 158], middle: [142, 178, 208], horizon: [250, 214, 168] };
const HAZE = [226, 204, 184];
// From the farthest to the nearest: base and height in pixels, the noise's scale, its own color, how much haze.
const RIDGES = [
  { base: 208, height: 130, scale: 170, color: [92, 108, 136], haze: 0.62, snow: 172 },
  { base: 246, height: 110, scale: 120, color: [62, 82, 96], haze: 0.36, snow: 0 },
  { base: 276, height: 64, scale: 80, color: [30, 50, 40], haze: 0.1, snow: 0 },
];

function land(noise, ridges, x, y) {
  for (let i = ridges.length - 1; i >= 0; i--) {
    if (y >= ridges[i][x | 0]) return mountain(noise, RIDGES[i], ridges[i], x, y, i);
  }
  return sky(noise, x, y);
}

function sky(noise, x, y) {
  const height = y / HORIZON;
  let color =
    height < 0.5 ? mix(SKY.zenith, SKY.middle, smooth(height * 2)) : mix(SKY.middle, SKY.horizon, height * 2 - 1);
  const distance = Math.hypot(x - SUN.x, y - SUN.y);
  color = mix(color, [255, 226, 176], 0.75 * Math.exp(-distance / 90)); // glow
  color = mix(color, [255, 252, 238], smooth((SUN.radius + 2 - distance) / 4)); // disc
  // Clouds are flat and lie closer together near the horizon, as perspective has it.
  const depth = 1 / (0.18 + (HORIZON - y) / HORIZON);
  const [u, v] = [(x - WIDTH / 2) * depth * 0.006, depth * 1.9];
  const density = smooth((noise(u, v, 6) - 0.5) * 4.2) * smooth(height * 6 + 0.25);
  const towardsSun = noise(u + 0.06 * Math.sign(SUN.x - x), v + 0.05, 5);
  const light = clamp(0.62 + (noise(u, v, 5) - towardsSun) * 2.2 + 0.4 * Math.exp(-distance / 160), 0, 1);
  return mix(color, mix([150, 150, 168], [255, 244, 228], light), 0.88 * density);
}

function mountain(noise, ridge, line, x, y, i) {
  const slope = (line[Math.min(WIDTH - 1, (x | 0) + 3)] - line[Math.max(0, (x | 0) - 3)]) / 6;
  const rock = noise(x / 22 + 40 * i, y / 16 + 9, 5);
  const relief =
    noise((x + y * 0.6) / 46 + 17 * i, y / 34, 4) - noise((x + 9 + y * 0.6) / 46 + 17 * i, y / 34 - 0.1, 4);
  const crest = Math.exp((line[x | 0] - y) / 16); // a slope's light fades below its crest
  const light = clamp(0.82 - slope * 0.2 * crest + relief * 1.9 + (rock - 0.5) * 0.7, 0.35, 1.45);
  let color = ridge.color.map((value) => value * light);
  if (ridge.snow > 0) {
    const edge = ridge.snow + (rock - 0.5) * 90;
    color = mix(
      color,
      [236, 240, 248].map((value) => value * clamp(light, 0.62, 1.05)),
      smooth((edge - y) / 14),
    );
  }
  const towardsWater = smooth((y - line[x | 0]) / (HORIZON - ridge.base + ridge.height)); // mist lies low
  return mix(color, HAZE, clamp(ridge.haze + 0.28 * towardsWater * (2 - i) * 0.5, 0, 1));
}

function water(noise, ridges, x, y) {
  const depth = (y - HORIZON) / (HEIGHT - HORIZON);
  // Waves grow toward the viewer and bend what the water mirrors.
  const [u, v] = [x / (26 + 90 * depth), Math.log(0.04 + depth) * 14];
  const wave = noise(u, v, 4) - 0.5;
  const mirroredX = clamp(x + wave * (6 + 46 * depth), 0, WIDTH - 1);
  const mirroredY = clamp(HORIZON - 1 - (y - HORIZON) * 1.42 + wave * (8 + 70 * depth), 0, HORIZON - 1);
  const tint = mix([34, 62, 82], [18, 40, 58], depth);
  let color = mix(land(noise, ridges, mirroredX, mirroredY), tint, 0.24 + 0.3 * depth);
  // The sun's path: glints on the waves that face it.
  const width = 10 + 58 * depth;
  const path = Math.exp(-(((x - SUN.x) / width) ** 2));
  color = mix(color, [255, 232, 186], clamp(path * (0.16 + 2.6 * Math.max(0, wave)), 0, 0.85));
  return color;
}

/** The near shore: how much of each pixel it covers, and its color there. */
function grassyBank(noise, seed) {
  const next = random(seed);
  const cover = new Float64Array(WIDTH * HEIGHT);
  const top = (x) =>
    HEIGHT - 22 - 44 * smooth((WIDTH * 0.62 - x) / (WIDTH * 0.6)) - 26 * (noise(x / 70, 51.5, 4) - 0.5);
  for (let x = 0; x < WIDTH; x++) {
    for (let y = Math.max(0, Math.floor(top(x))); y < HEIGHT; y++) cover[y * WIDTH + x] = clamp(y - top(x), 0, 1);
  }
  for (let blade = 0; blade < 1100; blade++) {
    const root = (next() * 1.1 - 0.05) * WIDTH;
    const tuft = noise(root / 26, 71.5, 3); // grass stands together
    const length = (10 + 62 * next() ** 2) * clamp(tuft * 2.4 - 0.5, 0.2, 1.4);
    const lean = (next() - 0.42) * length * 0.7;
    const thickness = 0.7 + 0.9 * next();
    const foot = top(clamp(root, 0, WIDTH - 1)) + 4;
    for (let step = 0; step <= length * 2; step++) {
      const t = step / (length * 2);
      drop(cover, root + lean * t * t, foot - length * t, thickness * (1 - t) + 0.25);
    }
  }
  const color = (x, y) => {
    const lit = clamp(0.2 + 0.9 * (noise(x / 5, y / 16, 4) - 0.35) - (y - top(x)) / 120, 0.05, 1);
    const warm = Math.exp(-Math.abs(x - SUN.x) / 220); // light comes from behind it
    return mix([12, 18, 14], mix([66, 84, 42], [146, 122, 62], warm), lit);
  };
  return { cover, color };
}

/** Covers a spot of that radius, soft at its edge. */
function drop(cover, x, y, radius) {
  for (let row = Math.max(0, Math.floor(y - radius)); row <= Math.min(HEIGHT - 1, y + radius + 1); row++) {
    for (let column = Math.max(0, Math.floor(x - radius)); column <= Math.min(WIDTH - 1, x + radius + 1); column++) {
      const share = clamp(radius + 0.5 - Math.hypot(column - x, row - y), 0, 1);
      cover[row * WIDTH + column] = Math.max(cover[row * WIDTH + column], share);
    }
  }
}

/** For each column the height at which a ridge begins. */
function ridgeLine(noise, { base, height, scale }, i) {
  return Float64Array.from({ length: WIDTH }, (_, x) => {
    const sharpness = 1 - Math.abs(2 * noise(x / scale + 31 * i, 5.5 + 13 * i, 6) - 1); // folded noise makes peaks
    const peaks = i === 2 ? noise(x / scale, 77, 6) + 0.12 * noise(x / 3, 5, 2) : sharpness ** 1.6;
    return base - (peaks - 0.42) * height;
  });
}

/** Value noise summed over octaves: about 0 to 1, the same for the same seed. */
function fractalNoise(seed) {
  const next = random(seed);
  const lattice = Float64Array.from({ length: 256 * 256 }, next);
  const at = (x, y) => lattice[((y & 255) << 8) | (x & 255)];
  const value = (x, y) => {
    const [x0, y0] = [Math.floor(x), Math.floor(y)];
    const [s, t] = [smooth(x - x0), smooth(y - y0)];
    const top = at(x0, y0) + s * (at(x0 + 1, y0) - at(x0, y0));
    const bottom = at(x0, y0 + 1) + s * (at(x0 + 1, y0 + 1) - at(x0, y0 + 1));
    return top + t * (bottom - top);
  };
  return (x, y, octaves) => {
    let [sum, total, weight] = [0, 0, 1];
    for (let octave = 0; octave < octaves; octave++) {
      // Turned a little at every octave, so that the lattice does not show.
      sum += weight * value(x, y);
      total += weight;
      [x, y] = [1.64 * x - 1.14 * y + 19.7, 1.14 * x + 1.64 * y + 7.3];
      weight *= 0.5;
    }
    return sum / total;
  };
}

/** mulberry32: numbers in [0, 1), the same for the same seed. */
function random(seed) {
  let state = Math.imul(seed, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const clamp = (value, min, max) => Math.min(max, Math.max(min, value));
const mix = (a, b, t) => [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];

function smooth(t) {
  const s = clamp(t, 0, 1);
  return s * s * (3 - 2 * s);
}
