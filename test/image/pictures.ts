import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';

/** Pictures with a README of their own, shared with the goldens. */
export const fixture = (name: string): string => join(__dirname, '..', 'fixtures', 'preprocess', name);

/** A picture of four colors, one a quarter, 8 x 4: so that every turn and flip shows. */
export function quarters(channels: 3 | 4 = 3): Sharp {
  const colors = [
    [200, 30, 40],
    [50, 180, 60],
    [70, 80, 220],
    [240, 230, 90],
  ];
  const data = Buffer.alloc(8 * 4 * channels, 128); // alpha, where there is one
  for (let y = 0; y < 4; y++) {
    for (let x = 0; x < 8; x++) {
      data.set(colors[(y < 2 ? 0 : 2) + (x < 4 ? 0 : 1)]!, (y * 8 + x) * channels);
    }
  }
  return sharp(data, { raw: { width: 8, height: 4, channels } });
}

/** The colors in the corners: top left, top right, bottom left, bottom right. */
export function corners({ data, width, height }: { data: Uint8Array; width: number; height: number }): number[][] {
  const at = (x: number, y: number): number[] => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
  return [at(0, 0), at(width - 1, 0), at(0, height - 1), at(width - 1, height - 1)];
}

/** A PNG of nothing but a header that claims a size. */
export function claimedPng(width: number, height: number): Buffer {
  const chunk = (type: string, body: Buffer): Buffer => {
    const typed = Buffer.concat([Buffer.from(type, 'latin1'), body]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(body.length, 0);
    frame.writeUInt32BE(crc32(typed), 4);
    return Buffer.concat([frame.subarray(0, 4), typed, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8); // 8 bits, RGB
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', Buffer.alloc(0)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
