/**
 * The first key that an object of a JSON text has twice: JSON.parse keeps the last and says nothing, so that two
 * readers of one file could see two different tensors.
 *
 * @param text - valid JSON
 */
export function firstDuplicateKey(text: string): string | undefined {
  const objects: Set<string>[] = [];
  let string = '';
  // Not by a regular expression: one that steps over a string of 20 MB, as headers hold, runs out of its stack.
  for (let at = 0; at < text.length; at++) {
    const token = text[at];
    if (token === '{') objects.push(new Set());
    else if (token === '}') objects.pop();
    else if (token === '"') {
      const start = at;
      for (at++; text[at] !== '"'; at++) if (text[at] === '\\') at++;
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
