/**
 * Control characters, and the invisible ones that turn the reading direction, as escapes: the name of a file or of a
 * class is no command to a terminal.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, escaped);
}

/** The same for what has several lines of its own, as some messages do. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** JSON that a terminal can be shown: its own rules escape only some of these characters. */
export function printableJson(json: string): string {
  return json.replace(/[\x7f-\x9f\p{Bidi_Control}\u2028\u2029]/gu, (character) => `\\u${hex(character, 4)}`);
}

function escaped(character: string): string {
  const known = { '\t': '\\t', '\n': '\\n', '\r': '\\r' }[character];
  return known ?? (character < '\u0100' ? `\\x${hex(character, 2)}` : `\\u${hex(character, 4)}`);
}

function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0');
}
