import { show } from '../errors';
import { badRequest } from './refusal';

/** An object of a request's JSON, whose fields have yet to be looked at. */
export type Fields = Readonly<Record<string, unknown>>;

/** @throws ERR_REQUEST */
export function objectOf(value: unknown, name: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw badRequest(`${name} must be an object, but got ${show(value)}.`);
}

/** @throws ERR_REQUEST */
export function listOf(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  throw badRequest(`${name} must be a list, but got ${show(value)}.`);
}

/** @throws ERR_REQUEST */
export function integerOf(value: unknown, name: string, least: number, most: number): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  throw badRequest(`${name} must be an integer from ${least} to ${most}, but got ${show(value)}.`);
}

/** `fallback` where it is absent. @throws ERR_REQUEST */
export function booleanOf(value: unknown, name: string, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw badRequest(`${name} must be true or false, but got ${show(value)}.`);
}

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
    throw badRequest(`${name} must be JSON.`); // the parser's own words would repeat the input
  }
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** The bytes that a string of base64 stands for. @throws ERR_REQUEST */
export function fromBase64(value: unknown, name: string): Uint8Array {
  if (typeof value !== 'string' || value === '' || !BASE64.test(value)) {
    throw badRequest(`${name} must be a picture's bytes in base64, but got ${show(value)}.`);
  }
  return Buffer.from(value, 'base64');
}

/** Of a parameter that is given twice the first counts. */
export function oneOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
