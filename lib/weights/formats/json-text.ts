/** The index of the closing quote of the string that starts at `start`. */
function endOfString(text: string, start: number): number {
  // A regular expression would run out of stack on a string of 20 MB, which headers may hold.
  let at = start + 1;
  for (; text[at] !== '"'; at++) if (text[at] === '\\') at++;
  return at;
}

/**
 * Finds a duplicate key in an object of a JSON text. JSON.parse silently keeps the last one, so that two readers of one
 * file could see two different tensors.
 *
 * @param text - valid JSON
 */
export function firstDuplicateKey(text: string): string | undefined {
  const objects: Set<string>[] = [];
  let string = '';
  for (let at = 0; at < text.length; at++) {
    const token = text[at];
    if (token === '{') objects.push(new Set());
    else if (token === '}') objects.pop();
    else if (token === '"') {
      const start = at;
      at = endOfString(text, start);
      string = text.slice(start, at + 1);
    } else if (token === ':') {
      const key = JSON.parse(string) as string; // with escapes, one key can be written in several ways
      const keys = objects.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}

/**
 * Finds a number that is not written as digits alone (`1.0`, `1e0`, `-0`): JSON.parse makes it an integer, but other
 * readers do not.
 *
 * @param text - valid JSON
 */
export function firstOtherNumber(text: string): string | undefined {
  for (let at = 0; at < text.length; at++) {
    const token = text[at] ?? '';
    if (token === '"') at = endOfString(text, at);
    else if (token === '-' || (token >= '0' && token <= '9')) {
      const start = at;
      while (/[-+.\deE]/.test(text[at + 1] ?? '')) at++;
      const number = text.slice(start, at + 1);
      if (!/^\d+$/.test(number)) return number;
    }
  }
  return undefined;
}
