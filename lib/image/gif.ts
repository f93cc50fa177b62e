/** What decides the colors of a GIF's first frame (GIF89a specification). */
export interface GifFrame {
  left: number;
  top: number;
  width: number;
  height: number;
  /** The offset of the byte with the transparency flag; undefined if no color is transparent. */
  transparencyAt: number | undefined;
  /** The color of pixels outside the frame, as in Pillow: the transparent one, or else the first of the palette. */
  background: readonly number[];
}

/** Reads the headers up to the first frame; undefined if it is not a GIF, or ends before. */
export function firstGifFrame(bytes: Uint8Array): GifFrame | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const byte = (at: number): number => bytes[at] ?? 0;
  const paletteLength = (flags: number): number => ((flags & 0x80) === 0 ? 0 : 3 << ((flags & 7) + 1));
  if (bytes.length < SCREEN_END || !isGif(bytes)) return undefined;

  let palette = SCREEN_END;
  let at = palette + paletteLength(byte(SCREEN_END - 3));
  let transparencyAt: number | undefined;
  let transparent = 0;
  while (byte(at) === EXTENSION) {
    if (byte(at + 1) === GRAPHIC_CONTROL && byte(at + 2) === 4) {
      transparencyAt = (byte(at + 3) & TRANSPARENT) === 0 ? undefined : at + 3;
      transparent = transparencyAt === undefined ? 0 : byte(at + 6);
    }
    at += 2;
    while (byte(at) !== 0) at += 1 + byte(at); // blocks of data; the last one is empty
    at++;
  }
  if (byte(at) !== IMAGE || at + FRAME_HEADER > bytes.length) return undefined;
  if (paletteLength(byte(at + 9)) > 0) palette = at + FRAME_HEADER; // a palette of its own
  const color = palette + 3 * transparent;
  return {
    left: view.getUint16(at + 1, true),
    top: view.getUint16(at + 3, true),
    width: view.getUint16(at + 5, true),
    height: view.getUint16(at + 7, true),
    transparencyAt,
    background: [byte(color), byte(color + 1), byte(color + 2)],
  };
}

/** Bytes of the signature and the logical screen descriptor. */
const SCREEN_END = 13;
const FRAME_HEADER = 10;
const [EXTENSION, GRAPHIC_CONTROL, IMAGE] = [0x21, 0xf9, 0x2c];
const TRANSPARENT = 1;

function isGif(bytes: Uint8Array): boolean {
  return /^GIF8[79]a$/.test(String.fromCharCode(...bytes.subarray(0, 6)));
}

/** Gives the pixels outside of the frame their color, in RGB data of the whole canvas. */
export function fillOutside(frame: GifFrame, data: Uint8Array, width: number, height: number): void {
  const { left, top, background } = frame;
  const [right, bottom] = [Math.min(width, left + frame.width), Math.min(height, top + frame.height)];
  const fill = (row: number, from: number, to: number): void => {
    for (let x = from; x < to; x++) data.set(background, (row * width + x) * 3);
  };
  for (let row = 0; row < height; row++) {
    if (row < top || row >= bottom) fill(row, 0, width);
    else {
      fill(row, 0, Math.min(left, width));
      fill(row, Math.max(right, 0), width);
    }
  }
}
