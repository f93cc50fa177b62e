const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/**
 * A bar of `width` characters, filled by `share` (0 to 1) in steps of an eighth of a character, or of one in ASCII.
 */
export function bar(share: number, width: number, unicode: boolean): string {
  if (!unicode) return '#'.repeat(Math.round(share * width)).padEnd(width);
  const eighths = Math.round(share * width * 8);
  return ('█'.repeat(eighths >> 3) + (EIGHTHS[eighths & 7] ?? '')).padEnd(width);
}

/** Whether the terminal can show Unicode, according to the locale's variables in the C library's order. */
export function supportsUnicode(env: NodeJS.ProcessEnv = process.env): boolean {
  const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find(Boolean) ?? '';
  return /utf-?8/i.test(locale) && env.TERM !== 'dumb';
}
