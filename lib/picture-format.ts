/** The formats that are decoded, for messages. */
export const FORMATS = 'JPEG, PNG, WebP, TIFF, GIF or AVIF picture';

/** The extensions of their files. */
export const EXTENSIONS = ['jpg', 'jpeg', 'jpe', 'jfif', 'png', 'webp', 'tif', 'tiff', 'gif', 'avif'];

export type Format = 'jpeg' | 'png' | 'gif' | 'tiff' | 'webp' | 'avif';

/** The format of a picture by its first bytes; undefined if it is not one that is decoded. */
export function formatOf(bytes: Uint8Array): Format | undefined {
  const head = headOf(bytes, 12);
  const [, format] = SIGNATURES.find(([start]) => head.startsWith(start)) ?? [];
  if (format !== undefined) return format;
  if (/^RIFF[^]{4}WEBP/.test(head)) return 'webp';
  return brandsOf(bytes).some((brand) => brand === 'avif' || brand === 'avis') ? 'avif' : undefined;
}

const SIGNATURES: readonly (readonly [start: string, format: Format])[] = [
  ['\xff\xd8\xff', 'jpeg'],
  ['\x89PNG\r\n\x1a\n', 'png'],
  ['GIF87a', 'gif'],
  ['GIF89a', 'gif'],
  ['II*\0', 'tiff'],
  ['II+\0', 'tiff'],
  ['MM\0*', 'tiff'],
  ['MM\0+', 'tiff'],
];

/** Well-known formats that are not decoded. */
export type OtherFormat = 'heic' | 'bmp' | 'jpeg-xl' | 'jpeg-2000';

/** The format of a picture that is not decoded; undefined if it is none of the well-known ones. */
export function otherFormatOf(bytes: Uint8Array): OtherFormat | undefined {
  const head = headOf(bytes, 12);
  if (brandsOf(bytes).some((brand) => HEIC.has(brand))) return 'heic';
  if (/^BM[^]{4}\0{4}/.test(head)) return 'bmp';
  if (head.startsWith('\xff\x0a') || head.startsWith('\0\0\0\x0cJXL ')) return 'jpeg-xl';
  if (head.startsWith('\0\0\0\x0cjP  ') || head.startsWith('\xff\x4f\xff\x51')) return 'jpeg-2000';
  return undefined;
}

/** ISO/IEC 23008-12, annex B.4; mif1 and msf1 say HEIF of any codec. */
const HEIC: ReadonlySet<string> = new Set([
  ...['heic', 'heix', 'hevc', 'hevx', 'heim', 'heis', 'hevm', 'hevs', 'mif1', 'msf1'],
]);

/** The brands of an ISO base media file (ISO/IEC 14496-12, 4.3): the major one, then the compatible ones. */
function brandsOf(bytes: Uint8Array): string[] {
  const head = headOf(bytes, MAX_BRANDS);
  if (head.slice(4, 8) !== 'ftyp') return [];
  const end = Math.min(head.length, new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));
  const brands = [head.slice(8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(head.slice(at, at + 4));
  return brands;
}

/** Bytes in which brands are looked for. */
const MAX_BRANDS = 256;

function headOf(bytes: Uint8Array, length: number): string {
  return Buffer.from(bytes.subarray(0, length)).toString('latin1');
}
