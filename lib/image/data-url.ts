import { decodeBase64 } from '../base64';
import { inspect, ResNetError } from '../errors';

/**
 * The bytes in a `data:` URL (RFC 2397). Its media type is ignored, as a file's extension is. Base64 may contain line
 * breaks and use the URL-safe alphabet.
 *
 * @throws ERR_IMAGE
 */
export function bytesOfDataUrl(url: string, argument: string): Uint8Array {
  const refused = (reason: string): ResNetError =>
    new ResNetError('ERR_IMAGE', `${argument} must be a valid data: URL, but got ${inspect(url)}, ${reason}.`);
  const comma = url.indexOf(',');
  if (comma < 0) throw refused('which has no comma before its data');
  const bytes = percentDecoded(url.slice(comma + 1));
  if (!/;\s*base64\s*$/i.test(url.slice(0, comma))) return bytes;
  const decoded = decodeBase64(bytes.toString('latin1').replace(/\s+/g, ''));
  if (decoded === undefined) throw refused('whose data is not base64');
  return decoded;
}

function percentDecoded(text: string): Buffer {
  if (!text.includes('%')) return Buffer.from(text, 'utf8');
  const latin1 = Buffer.from(text, 'utf8').toString('latin1');
  const decoded = latin1.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(decoded, 'latin1');
}
