import { ResNetError, show } from '../../errors';
import { readingFile } from '../../regular-file';
import { readBytes } from './read-bytes';
import { firstDuplicateKey } from './json-text';

/** What others write beside weights has kilobytes; names of 21,000 classes have two million bytes. */
const MAX_BYTES = 16 * 2 ** 20;

/**
 * Reads an object from a JSON file, as strictly as a weight file's header.
 *
 * @throws ERR_FILE, ERR_WEIGHTS_FORMAT
 */
export async function readJsonObject(path: string): Promise<Fields> {
  return readingFile(path, async (file) => {
    const { size } = await file.stat();
    if (size > MAX_BYTES) throw broken(path, `has ${size} bytes, and at most ${MAX_BYTES} are taken`);
    return fieldsIn(path, await readBytes(path, file, size, 0));
  });
}

/** As {@link readJsonObject}; undefined where there is no such file. */
export async function readJsonObjectIfThere(path: string): Promise<Fields | undefined> {
  try {
    return await readJsonObject(path);
  } catch (error) {
    if (((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The fields of the object that a JSON text is. @internal */
export function fieldsIn(path: string, bytes: Uint8Array): Fields {
  const [text, value] = decoded(path, bytes);
  if (!isRecord(value)) throw broken(path, `holds ${show(value)}, no object`);
  const duplicate = firstDuplicateKey(text);
  if (duplicate !== undefined) throw broken(path, `names ${show(duplicate)} twice`);
  return new Fields(path, value);
}

function decoded(path: string, bytes: Uint8Array): [string, unknown] {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return [text, JSON.parse(text)];
  } catch (error) {
    throw broken(path, `is no JSON: ${(error as Error).message}`, error);
  }
}

/** The fields of an object, each read by what it has to be. What others add is left alone. */
export class Fields {
  constructor(
    readonly path: string,
    private readonly values: Readonly<Record<string, unknown>>,
    private readonly prefix = '',
  ) {}

  /** A field; undefined where it is absent or null. @throws ERR_WEIGHTS_FORMAT */
  read<T>(name: string, expected: string, fits: (value: unknown) => value is T): T | undefined {
    const value = Object.hasOwn(this.values, name) ? this.values[name] : undefined;
    if (value === undefined || value === null) return undefined;
    if (fits(value)) return value;
    throw broken(this.path, `must have ${expected} as its ${this.prefix}${name}, but has ${show(value)}`);
  }

  text(name: string): string | undefined {
    return this.read(name, 'a string', (value) => typeof value === 'string');
  }

  flag(name: string): boolean | undefined {
    return this.read(name, 'true or false', (value) => typeof value === 'boolean');
  }

  number(name: string, least: number, most: number): number | undefined {
    const fits = (value: unknown): value is number => typeof value === 'number' && value >= least && value <= most;
    return this.read(name, `a number from ${least} to ${most}`, fits);
  }

  integer(name: string, least: number, most: number): number | undefined {
    const fits = (value: unknown): value is number =>
      Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
    return this.read(name, `an integer from ${least} to ${most}`, fits);
  }

  numbers(name: string, count: number | undefined, least: number, most: number): number[] | undefined {
    const fits = (value: unknown): value is number[] =>
      Array.isArray(value) &&
      value.length === (count ?? value.length) &&
      value.every((item) => typeof item === 'number' && item >= least && item <= most);
    return this.read(name, `${count ?? 'any number of'} numbers from ${least} to ${most}`, fits);
  }

  /** The fields of an object within this one. */
  object(name: string): Fields | undefined {
    const values = this.read(name, 'an object', isRecord);
    return values && new Fields(this.path, values, `${this.prefix}${name}.`);
  }

  /** Whether a field is there and has this value: to know a file by, so it never throws. */
  is(name: string, value: unknown): boolean {
    return Object.hasOwn(this.values, name) && this.values[name] === value;
  }

  /** Whether a field is there, as {@link Fields.is}. */
  has(name: string): boolean {
    return Object.hasOwn(this.values, name) && this.values[name] !== null;
  }

  entries(): [string, unknown][] {
    return Object.entries(this.values);
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An error that names the file: `PATH must …`. */
export function broken(path: string, what: string, cause?: unknown): ResNetError {
  return new ResNetError('ERR_WEIGHTS_FORMAT', `${path} ${what}.`, { cause });
}
