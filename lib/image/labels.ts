import { badArgument, inspect, reasonOf, ResNetError } from '../errors';
import { withRegularFile } from '../regular-file';
import imagenet from './imagenet-classes.json';

/**
 * The names of a network's classes.
 *
 * @param labels - names in the order of the classes, or the path of a file of them: a JSON array, or one per line.
 *   Default: ImageNet's for 1000 classes, `class 0`, `class 1`, … otherwise
 * @throws ERR_FILE, ERR_ARGUMENT (no names, or not one for each class)
 */
export async function readLabels(
  labels: readonly string[] | string | undefined,
  numClasses: number,
): Promise<readonly string[]> {
  if (labels === undefined) {
    const numbered = (): string[] => Array.from({ length: numClasses }, (_, i) => `class ${i}`);
    return Object.freeze(numClasses === imagenet.length ? [...imagenet] : numbered());
  }
  const names = await readNames(labels);
  const source = typeof labels === 'string' ? ` in ${inspect(labels)}` : '';
  if (names.length !== numClasses) {
    throw new ResNetError(
      'ERR_ARGUMENT',
      `labels must be ${numClasses} names, one for each class, but got ${names.length}${source}.`,
    );
  }
  return Object.freeze([...names]);
}

/**
 * As {@link readLabels}, for any number of names.
 *
 * @throws ERR_FILE, ERR_ARGUMENT
 */
export async function readNames(labels: readonly string[] | string): Promise<readonly string[]> {
  const names: unknown = typeof labels === 'string' ? await readNamesFile(labels) : labels;
  if (!isNames(names)) throw badArgument('labels', 'a list of names, or the path of a file of them', names);
  return names;
}

async function readNamesFile(path: string): Promise<unknown> {
  const text = (await readText(path)).replace(/^\ufeff/, '').trimEnd();
  if (!text.trimStart().startsWith('[')) return text.split(/\r?\n/).map((line) => line.trim());
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = (error as Error).message;
    throw new ResNetError('ERR_ARGUMENT', `labels must be a JSON array or one name a line, but ${path}: ${reason}`, {
      cause: error,
    });
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await withRegularFile(path, (file) => file.readFile('utf8'));
  } catch (error) {
    const reason = reasonOf(error);
    throw new ResNetError('ERR_FILE', `labels must be a readable file, but got ${inspect(path)}: ${reason}.`, {
      cause: error,
    });
  }
}

function isNames(names: unknown): names is readonly string[] {
  return Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string');
}
