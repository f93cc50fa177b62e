import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { ResNetError, inspect } from '../errors';
import { misplacedFolder } from '../file-kind';
import { EXTENSIONS } from '../picture-format';

/** Other files in a folder of pictures are ignored. */
const PICTURE_PATTERNS = [`**/*.{${EXTENSIONS.join(',')}}`];

/** The path of a picture, or why an argument names none. */
export type FoundPicture = string | ResNetError;

/**
 * The pictures that a command line argument names: a file, `-` (standard input), the pictures below a folder, or the files that match a
 * pattern. Patterns in quotes help where the shell has none, or where a command line would be too long. Sorted by path.
 */
export async function findPictures(argument: string): Promise<FoundPicture[]> {
  if (argument === '-') return [argument]; // standard input, even if there is a file of that name: ./- is the file
  const { glob, isDynamicPattern } = await import('tinyglobby');
  const stats = await stat(argument).catch(() => undefined);
  if (stats?.isDirectory()) {
    const files = await glob(PICTURE_PATTERNS, { ...GLOB_OPTIONS, cwd: argument, caseSensitiveMatch: false });
    return files.length > 0
      ? files.sort().map((file) => inFolder(argument, file))
      : [noPicture(argument, 'a folder with pictures in it', await misplacedFolder(argument, 'picture'))];
  }
  if (stats !== undefined || !isDynamicPattern(argument)) return [argument];
  const files = await glob([argument], { ...GLOB_OPTIONS, absolute: isAbsolute(argument) });
  return files.length > 0
    ? files.sort()
    : [noPicture(argument, 'a file, a folder or a pattern that some file matches')];
}

const GLOB_OPTIONS = { expandDirectories: false, onlyFiles: true } as const;

/** Keeps the form of the argument: `./photos` gives `./photos/a.jpg`. */
function inFolder(folder: string, file: string): string {
  return folder.endsWith('/') ? folder + file : `${folder}/${file}`;
}

function noPicture(argument: string, expected: string, hint = ''): ResNetError {
  return new ResNetError('ERR_FILE', `a picture must be ${expected}, but got ${inspect(argument)}.${hint}`);
}
