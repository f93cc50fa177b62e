import { decodeBase64 } from '../../base64';
import { inspect } from '../../errors';
import { badRequest } from './error-response';

/**
 * Decodes a picture from base64, URL-safe or not, with line breaks or without, or from a `data:` URL in base64. A path or
 * another URL is an error: nothing is read or fetched for a client.
 *
 * @throws ERR_REQUEST
 */
export function parseBase64(value: unknown, name: string): Uint8Array {
  const text = typeof value === 'string' ? (payloadOf(value) ?? '').replace(/[\t\n\r ]+/g, '') : '';
  const bytes = decodeBase64(text);
  if (bytes === undefined || bytes.length === 0) {
    throw badRequest(
      `${name} must be a picture's bytes in base64, or a data: URL with them, but got ${inspect(value)}. ` +
        'The server opens no paths and no other URLs.',
    );
  }
  return bytes;
}

/** The base64 of a text; undefined if it is a `data:` URL without any. */
function payloadOf(text: string): string | undefined {
  if (!/^data:/i.test(text)) return text;
  const comma = text.indexOf(',');
  if (!/;base64$/i.test(text.slice(0, Math.min(comma, 1024)))) return undefined;
  const payload = text.slice(comma + 1);
  if (!payload.includes('%')) return payload;
  try {
    return decodeURIComponent(payload);
  } catch {
    return undefined;
  }
}
