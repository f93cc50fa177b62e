/** Guesses what a file or folder is that was passed in the wrong place, for error messages. */
import { opendir } from 'node:fs/promises';
import { EXTENSIONS, formatOf, otherFormatOf, type Format, type OtherFormat } from './picture-format';

/** What users pass, with the words for it. */
const ROLES = {
  picture: 'a picture',
  weights: 'weights (--weights)',
  labels: 'labels (--labels)',
} as const;

export type FileRole = keyof typeof ROLES;

/** How many bytes of a file {@link misplacedFile} looks at. */
export const START_BYTES = 512;

const PICTURES: Readonly<Record<Format | OtherFormat, string>> = {
  jpeg: 'a JPEG picture',
  png: 'a PNG picture',
  gif: 'a GIF picture',
  webp: 'a WebP picture',
  tiff: 'a TIFF picture',
  avif: 'an AVIF or HEIC picture',
  heic: 'an AVIF or HEIC picture',
  bmp: 'a BMP picture',
  'jpeg-xl': 'a JPEG XL picture',
  'jpeg-2000': 'a JPEG 2000 picture',
};

/** Other kinds, by the first bytes, as Latin-1. */
const KINDS: readonly [start: RegExp | readonly string[], description: string, role?: FileRole][] = [
  [/^[^]{5}\0{3}\{/, 'a safetensors file', 'weights'],
  [['PK\x03\x04'], "a zip archive, as PyTorch's weights are", 'weights'],
  [
    ['\x80\x02', '\x80\x03', '\x80\x04', '\x80\x05'],
    "a pickle, as PyTorch's and PaddlePaddle's weights are",
    'weights',
  ],
  [/^version https:\/\/git-lfs/, 'a pointer of Git LFS: run git lfs pull'],
  [/^\s*<(!doctype|html|\?xml)/i, 'a web page, which some downloads give instead of the file'],
  [/^\s*\{[^\0]*$/, 'a JSON file'],
  [/^[\t\n\f\r\x20-\x7e\x80-\xff]+$/, 'a text file', 'labels'],
];

/**
 * A sentence that says what a file looks like and where it belongs, with a space before it; empty if it looks like what
 * was expected, or like nothing known.
 *
 * @param start - the file's first {@link START_BYTES} bytes
 */
export function misplacedFile(start: Uint8Array, expected: FileRole): string {
  const [description, role] = kindOf(start.subarray(0, START_BYTES));
  if (description === undefined || role === expected) return '';
  if (role === undefined) return expected === 'labels' ? '' : ` It looks like ${description}.`; // labels may be any text
  return ` It looks like ${description}: pass it as ${ROLES[role]}, not as ${ROLES[expected]}.`;
}

function kindOf(start: Uint8Array): [description?: string, role?: FileRole] {
  const format = formatOf(start) ?? otherFormatOf(start);
  if (format !== undefined) return [PICTURES[format], 'picture'];
  const text = Buffer.from(start).toString('latin1');
  const fits = ([start]: (typeof KINDS)[number]): boolean =>
    start instanceof RegExp ? start.test(text) : start.some((bytes) => text.startsWith(bytes));
  const [, ...kind] = KINDS.find(fits) ?? [];
  return kind;
}

/** The same for a folder, by the names of its files: of pictures, or of weights under other names than usual. */
export async function misplacedFolder(path: string, expected: 'picture' | 'weights'): Promise<string> {
  const picture = await findFile(path, PICTURE_NAME);
  const weights = await findFile(path, /\.(safetensors|pth|pt|pdparams|ckpt|bin)$/i);
  if (expected === 'weights' && weights !== undefined) return ` It has ${weights}: pass the path of that file.`;
  if (expected === 'weights' && picture !== undefined) {
    return ` It has pictures (${picture}): pass it as pictures, not as ${ROLES.weights}.`;
  }
  if (expected === 'picture' && picture === undefined && weights !== undefined) {
    return ` It has weights (${weights}): pass it as ${ROLES.weights}, not as pictures.`;
  }
  return '';
}

const PICTURE_NAME = new RegExp(`\\.(${[...EXTENSIONS, 'heic', 'bmp'].join('|')})$`, 'i');

/** Folders may have millions of files. */
const MAX_NAMES = 1000;

async function findFile(folder: string, pattern: RegExp): Promise<string | undefined> {
  try {
    let names = 0;
    for await (const { name } of await opendir(folder)) {
      if (pattern.test(name)) return name;
      if (++names === MAX_NAMES) return undefined;
    }
  } catch {
    // What cannot be read is reported by the caller.
  }
  return undefined;
}
