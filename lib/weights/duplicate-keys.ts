/**
 * The first key that an object of a JSON text has twice: JSON.parse keeps the last and says nothing, so that two
 * readers of one file could see two different tensors.
 *
 * @param text - valid JSON
 */
export function firstDuplicateKey(text: string): string | undefined {
  const objects: Set<string>[] = [];
  let string = '';
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}:]/g)) {
    if (token === '{') objects.push(new Set());
    else if (token === '}') objects.pop();
    else if (token !== ':') string = token;
    else {
      const key = JSON.parse(string) as string; // escapes can write one key in two ways
      const keys = objects.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}
