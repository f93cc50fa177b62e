import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { ResNetError, show } from '../errors';

/** By their names: what else lies in a folder of pictures is no mistake. */
const PICTURES = ['**/*.{jpg,jpeg,png,webp,tif,tiff,gif}'];

/** A file, or the reason why an argument stands for none. */
export type Found = string | ResNetError;

/**
 * A file is itself, a folder is the pictures below it, and what names nothing is tried as a pattern: for shells that
 * have none, and for more files than a command line takes. Files come sorted by their paths.
 */
export async function picturesOf(argument: string): Promise<Found[]> {
  const { glob, isDynamicPattern } = await import('tinyglobby');
  const stats = await stat(argument).catch(() => undefined);
  if (stats?.isDirectory()) {
    const files = await glob(PICTURES, { ...RULES, cwd: argument, caseSensitiveMatch: false });
    return files.length > 0
      ? files.sort().map((file) => inFolder(argument, file))
      : [none(argument, 'a folder with pictures in it')];
  }
  if (stats !== undefined || !isDynamicPattern(argument)) return [argument];
  const files = await glob([argument], { ...RULES, absolute: isAbsolute(argument) });
  return files.length > 0 ? files.sort() : [none(argument, 'a file, a folder or a pattern that some file matches')];
}

const RULES = { expandDirectories: false, onlyFiles: true } as const;

/** As the caller began it: `./photos` gives `./photos/a.jpg`. */
function inFolder(folder: string, file: string): string {
  return folder.endsWith('/') ? folder + file : `${folder}/${file}`;
}

function none(argument: string, expected: string): ResNetError {
  return new ResNetError('ERR_FILE', `a picture must be ${expected}, but got ${show(argument)}.`);
}
