/** What a JPEG's frame header says. */
export interface JpegHeader {
  width: number;
  height: number;
  /** Bits. */
  depth: number;
  /** 1 is gray, 3 is color, 4 is CMYK. */
  channels: number;
}

/**
 * Reads the frame header (SOF, ITU-T T.81, B.2.2) of a JPEG, without the cost of opening a decoder for it.
 *
 * @returns undefined if it is not a JPEG, or one whose header only a decoder can judge
 */
export function jpegHeader(bytes: Uint8Array): JpegHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 2 || view.getUint16(0) !== SOI) return undefined;
  let at = 2;
  while (at + FRAME_HEADER <= bytes.length) {
    const marker = view.getUint16(at);
    if (SIZED.has(marker)) {
      return {
        depth: view.getUint8(at + 4),
        height: view.getUint16(at + 5),
        width: view.getUint16(at + 7),
        channels: view.getUint8(at + 9),
      };
    }
    if (!isSkipped(marker)) return undefined;
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

const SOI = 0xffd8;
/** Bytes: marker, length, depth, height, width and channels. */
const FRAME_HEADER = 10;
/** Baseline, extended and progressive frames. */
const SIZED: ReadonlySet<number> = new Set([0xffc0, 0xffc1, 0xffc2]);

/** Tables, restart intervals, application data and comments may stand before the frame header. */
function isSkipped(marker: number): boolean {
  return [0xffc4, 0xffcc, 0xffdb, 0xffdd, 0xfffe].includes(marker) || (marker >= 0xffe0 && marker <= 0xffef);
}
