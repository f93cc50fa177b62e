/**
 * The color map of heat maps: 256 colors from dark violet over red to yellow, perceptually uniform in lightness (OKLCH,
 * Ottosson 2020).
 *
 * @returns RGB bytes
 */
export function heatColors(): Uint8Array {
  const bytes = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i++) {
    const t = i / 255;
    const hue = ((-60 + 165 * t) * Math.PI) / 180;
    const chroma = 0.12 + 0.07 * Math.sin(Math.PI * t);
    bytes.set(oklabToRgb(0.3 + 0.62 * t, chroma * Math.cos(hue), chroma * Math.sin(hue)), 3 * i);
  }
  return bytes;
}

function oklabToRgb(lightness: number, a: number, b: number): number[] {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((linear) => {
    const clipped = Math.min(1, Math.max(0, linear));
    const encoded = clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055;
    return Math.round(255 * encoded);
  });
}
