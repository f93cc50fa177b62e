import { inspect } from '../../errors';
import { badRequest } from './error-response';

/** An object of a request's JSON, its values not checked yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws ERR_REQUEST */
export function parseJson(bytes: Uint8Array, name: string): unknown {
  let text;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badRequest(`${name} must be JSON in UTF-8.`);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw badRequest(`${name} must be JSON.`); // the parser's own message would repeat the input
  }
}

/** @throws ERR_REQUEST */
export function parseObject(value: unknown, name: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw badRequest(`${name} must be an object, but got ${inspect(value)}.`);
}

/** @throws ERR_REQUEST */
export function parseList(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  throw badRequest(`${name} must be a list, but got ${inspect(value)}.`);
}

/** @throws ERR_REQUEST */
export function parseInteger(value: unknown, name: string, min: number, max: number): number {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  throw badRequest(`${name} must be an integer from ${min} to ${max}, but got ${inspect(value)}.`);
}

/** @throws ERR_REQUEST */
export function parseBoolean(value: unknown, name: string, defaultValue: boolean): boolean {
  if (value === undefined || value === null) return defaultValue;
  if (typeof value === 'boolean') return value;
  throw badRequest(`${name} must be true or false, but got ${inspect(value)}.`);
}

/** A query parameter; of a repeated one the first value. */
export function firstValue(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
