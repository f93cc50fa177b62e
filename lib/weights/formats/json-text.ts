/** Where the string that begins at `start` ends: the place of its closing quote. */
function endOfString(text: string, start: number): number {
  // Not by a regular expression: one that steps over a string of 20 MB, as headers hold, runs out of its stack.
  let at = start + 1;
  for (; text[at] !== '"'; at++) if (text[at] === '\\') at++;
  return at;
}

/**
 * The first key that an object of a JSON text has twice: JSON.parse keeps the last and says nothing, so that two
 * readers of one file could see two different tensors.
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
      const key = JSON.parse(string) as string; // escapes can write one key in two ways
      const keys = objects.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}

/**
 * The first number that is written as more than digits (`1.0`, `1e0`, `-0`): JSON.parse makes an integer of it, and
 * other readers do not.
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
