/** Of either alphabet (RFC 4648, sections 4 and 5). */
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** The bytes of base64 without white space, URL-safe or not, padded or not; undefined if it is none. */
export function decodeBase64(text: string): Buffer | undefined {
  const isValid = BASE64.test(text) && text.replace(/=+$/, '').length % 4 !== 1;
  return isValid ? Buffer.from(text, 'base64') : undefined;
}
