import type { FileHandle } from 'node:fs/promises';
import { badArgument, inspect, reasonOf, ResNetError } from '../errors';
import { misplacedFile, START_BYTES } from '../file-kind';
import { withRegularFile } from '../regular-file';
import imagenet from './imagenet-classes.json';

/**
 * The names of a network's classes.
 *
 * @param labels - names in the order of the classes, or the path of a file of them in UTF-8: a JSON array; a JSON
 *   object by number, `{"0": "tench"}` or ImageNet's `{"0": ["n01440764", "tench"]}`; or one per line. Default: ImageNet's for 1000 classes, `class 0`, `class 1`, … otherwise
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
  const names: unknown = typeof labels === 'string' ? parseNames(labels, await readBytes(labels)) : labels;
  if (!isNames(names)) throw badArgument('labels', 'a list of names, or the path of a file of them', names);
  return names;
}

/** The names in a file of labels. @throws ERR_ARGUMENT */
export function parseNames(path: string, bytes: Uint8Array): readonly string[] {
  const refused = (problem: string, cause?: unknown): ResNetError =>
    new ResNetError('ERR_ARGUMENT', `labels must be ${EXPECTED}, but ${inspect(path)} ${problem}.`, { cause });
  const text = decodeText(bytes, refused).trim();
  if (CODE.test(text)) throw refused('is source code, or was printed by Python: write it with json.dump');
  if (!/^[[{"]/.test(text)) return text.split(/\r?\n/).map((line) => line.trim());
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const hint = text.startsWith('"') ? '' : '; what Python prints is not JSON: write it with json.dump';
    throw refused(`is not JSON (${reasonOf(error)})${hint}`, error);
  }
  const names = Array.isArray(value) ? value : namesByNumber(value);
  if (!isNames(names)) throw refused(`holds ${inspect(value)}`);
  return names;
}

const EXPECTED =
  'a JSON array of names, a JSON object such as {"0": "tench"} or {"0": ["n01440764", "tench"]}, or one name a line';

/** `OrderedDict([…`, `labels = {…`, `('a', …`: never the start of a name. */
const CODE = /^(?:[\w.]+\(\s*[[({]|[\w .]+=\s*[[({]|\(\s*['"])/;

/** The names in an object whose keys are the numbers from 0 on; undefined if it has another form. */
function namesByNumber(value: unknown): unknown[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const byNumber = new Map<string, unknown>(Object.entries(value));
  return Array.from({ length: byNumber.size }, (_, i) => {
    const name = byNumber.get(String(i));
    return Array.isArray(name) && name.length === 2 && typeof name[0] === 'string' ? (name[1] as unknown) : name;
  });
}

/** Text in UTF-8. Other encodings would turn into names that look almost right. */
function decodeText(bytes: Uint8Array, refused: (problem: string, cause?: unknown) => ResNetError): string {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || bytes.includes(0)) {
    throw refused('is in UTF-16 or is not text: save it as UTF-8');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes); // removes the byte order mark
  } catch (error) {
    throw refused('is not in UTF-8', error);
  }
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await withRegularFile(path, async (file) => {
      await checkNotMisplaced(path, file);
      return file.readFile();
    });
  } catch (error) {
    if (error instanceof ResNetError) throw error;
    throw new ResNetError('ERR_FILE', `labels must be a readable file, but got ${inspect(path)}: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
}

/** @throws ERR_ARGUMENT for pictures and weights, before all of the file is read as text */
async function checkNotMisplaced(path: string, file: FileHandle): Promise<void> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(START_BYTES), 0, START_BYTES, 0);
  const hint = misplacedFile(buffer.subarray(0, bytesRead), 'labels');
  if (hint === '') return;
  throw new ResNetError(
    'ERR_ARGUMENT',
    `labels must be a list of names, or the path of a file of them, but got ${inspect(path)}.${hint}`,
  );
}

function isNames(names: unknown): names is readonly string[] {
  return Array.isArray(names) && names.length > 0 && Array.from(names).every((name) => typeof name === 'string');
}
