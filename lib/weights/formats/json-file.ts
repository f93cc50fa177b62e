import { inspect } from '../../errors';
import { readRegularFile } from '../../regular-file';
import { isRecord } from './guards';
import { firstDuplicateKey } from './json-text';
import { malformed } from './malformed';
import { readBytes } from './read-bytes';

/** Configurations beside weights have kilobytes; with the names of 21,000 classes, two million bytes. */
const MAX_BYTES = 16 * 2 ** 20;

/**
 * Reads an object from a JSON file, as strictly as a weight file's header.
 *
 * @throws ERR_FILE, ERR_WEIGHTS_FORMAT
 */
export async function readJsonObject(path: string): Promise<JsonFields> {
  return readRegularFile(path, async (file) => {
    const { size } = await file.stat();
    if (size > MAX_BYTES) throw malformed(path, `has ${size} bytes, and at most ${MAX_BYTES} are read`);
    return parseFields(path, await readBytes(path, file, size, 0));
  });
}

/** As {@link readJsonObject}; undefined if there is no such file. */
export async function readJsonObjectIfPresent(path: string): Promise<JsonFields | undefined> {
  try {
    return await readJsonObject(path);
  } catch (error) {
    if (((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Parses a JSON text that must be an object. @internal */
export function parseFields(path: string, bytes: Uint8Array): JsonFields {
  const [text, value] = parse(path, bytes);
  if (!isRecord(value)) throw malformed(path, `holds ${inspect(value)}, no object`);
  const duplicate = firstDuplicateKey(text);
  if (duplicate !== undefined) throw malformed(path, `names ${inspect(duplicate)} twice`);
  return new JsonFields(path, value);
}

function parse(path: string, bytes: Uint8Array): [string, unknown] {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return [text, JSON.parse(text)];
  } catch (error) {
    throw malformed(path, `is no JSON: ${(error as Error).message}`, error);
  }
}

/** The fields of a JSON object, each checked as it is read. Fields that nobody reads may be anything. */
export class JsonFields {
  constructor(
    readonly path: string,
    private readonly values: Readonly<Record<string, unknown>>,
    private readonly prefix = '',
  ) {}

  /** A field; undefined if it is absent or null. @throws ERR_WEIGHTS_FORMAT */
  read<T>(name: string, expected: string, accepts: (value: unknown) => value is T): T | undefined {
    const value = Object.hasOwn(this.values, name) ? this.values[name] : undefined;
    if (value === undefined || value === null) return undefined;
    if (accepts(value)) return value;
    throw malformed(this.path, `must have ${expected} as its ${this.prefix}${name}, but has ${inspect(value)}`);
  }

  text(name: string): string | undefined {
    return this.read(name, 'a string', (value) => typeof value === 'string');
  }

  flag(name: string): boolean | undefined {
    return this.read(name, 'true or false', (value) => typeof value === 'boolean');
  }

  number(name: string, min: number, max: number): number | undefined {
    const accepts = (value: unknown): value is number => typeof value === 'number' && value >= min && value <= max;
    return this.read(name, `a number from ${min} to ${max}`, accepts);
  }

  integer(name: string, min: number, max: number): number | undefined {
    const accepts = (value: unknown): value is number =>
      Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
    return this.read(name, `an integer from ${min} to ${max}`, accepts);
  }

  /** @param count - how many; undefined: any number */
  numbers(name: string, count: number | undefined, min: number, max: number): number[] | undefined {
    const accepts = (value: unknown): value is number[] =>
      Array.isArray(value) &&
      value.length === (count ?? value.length) &&
      value.every((item) => typeof item === 'number' && item >= min && item <= max);
    return this.read(name, `${count ?? 'any number of'} numbers from ${min} to ${max}`, accepts);
  }

  /** The fields of a nested object. */
  object(name: string): JsonFields | undefined {
    const values = this.read(name, 'an object', isRecord);
    return values && new JsonFields(this.path, values, `${this.prefix}${name}.`);
  }

  /** Whether a field has this value. Never throws, so that it can tell kinds of files apart. */
  is(name: string, value: unknown): boolean {
    return Object.hasOwn(this.values, name) && this.values[name] === value;
  }

  /** Whether a field is present and not null. Never throws. */
  has(name: string): boolean {
    return Object.hasOwn(this.values, name) && this.values[name] !== null;
  }

  entries(): [string, unknown][] {
    return Object.entries(this.values);
  }
}
