/** Guesses what a file or folder is that was passed in the wrong place, for error messages. */
import { opendir } from 'node:fs/promises';

/** What users pass, with the words for it. */
const ROLES = {
  picture: 'a picture',
  weights: 'weights (--weights)',
  labels: 'labels (--labels)',
} as const;

export type FileRole = keyof typeof ROLES;

/** How many bytes of a file {@link misplacedFile} looks at. */
export const START_BYTES = 512;

/** By the first bytes, as Latin-1. */
const KINDS: readonly [start: RegExp | readonly string[], description: string, role?: FileRole][] = [
  [/^\xff\xd8\xff/, 'a JPEG picture', 'picture'],
  [/^\x89PNG\r\n/, 'a PNG picture', 'picture'],
  [/^GIF8[79]a/, 'a GIF picture', 'picture'],
  [/^RIFF[^]{4}WEBP/, 'a WebP picture', 'picture'],
  [/^(II[*+]\0|MM\0[*+])/, 'a TIFF picture', 'picture'],
  [/^BM[^]{4}\0{4}/, 'a BMP picture', 'picture'],
  [/^[^]{4}ftyp(avif|avis|heic|heix|mif1|msf1)/, 'an AVIF or HEIC picture', 'picture'],
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
  const text = Buffer.from(start.subarray(0, START_BYTES)).toString('latin1');
  const fits = ([start]: (typeof KINDS)[number]): boolean =>
    start instanceof RegExp ? start.test(text) : start.some((bytes) => text.startsWith(bytes));
  const [, description, role] = KINDS.find(fits) ?? [];
  if (description === undefined || role === expected) return '';
  if (role === undefined) return expected === 'labels' ? '' : ` It looks like ${description}.`; // labels may be any text
  return ` It looks like ${description}: pass it as ${ROLES[role]}, not as ${ROLES[expected]}.`;
}

/** The same for a folder, by the names of its files: of pictures, or of weights under other names than usual. */
export async function misplacedFolder(path: string, expected: 'picture' | 'weights'): Promise<string> {
  const picture = await findFile(path, /\.(jpe?g|jfif|png|webp|tiff?|gif|avif|heic|bmp)$/i);
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
