/**
 * Escapes control characters and invisible ones that change the reading direction, so that the name of a file or of a
 * class cannot control the terminal.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, escape);
}

/** The same for a text with line breaks of its own. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** The same for JSON, whose own rules escape only some of these characters. */
export function printableJson(json: string): string {
  return json.replace(/[\x7f-\x9f\p{Bidi_Control}\u2028\u2029]/gu, (character) => `\\u${hex(character, 4)}`);
}

function escape(character: string): string {
  const short = { '\t': '\\t', '\n': '\\n', '\r': '\\r' }[character];
  return short ?? (character < '\u0100' ? `\\x${hex(character, 2)}` : `\\u${hex(character, 4)}`);
}

function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0');
}
