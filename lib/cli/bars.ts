const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/**
 * A bar of `width` places, filled by `share` (0 to 1): to an eighth of a place, or to a whole one in plain ASCII.
 */
export function bar(share: number, width: number, unicode: boolean): string {
  if (!unicode) return '#'.repeat(Math.round(share * width)).padEnd(width);
  const eighths = Math.round(share * width * 8);
  return ('█'.repeat(eighths >> 3) + (EIGHTHS[eighths & 7] ?? '')).padEnd(width);
}

/** Whether a terminal shows more than ASCII: the locale says so, read in the C library's order. */
export function speaksUnicode(env: NodeJS.ProcessEnv = process.env): boolean {
  const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find(Boolean) ?? '';
  return /utf-?8/i.test(locale) && env.TERM !== 'dumb';
}
