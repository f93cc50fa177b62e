/**
 * Letters as SVG paths, lines of one width: a picture's caption looks the same everywhere, on a machine without a
 * single font as well. Drawn for this package; 20 is the base line, 6 the top of the capitals, 10 that of the others.
 */
const LETTERS: Readonly<Record<string, readonly [width: number, path: string]>> = {
  ' ': [3, ''],
  A: [11.2, 'M0 20L5.6 6L11.2 20M2 15.4H9.2'],
  B: [9.2, 'M0 12.7H5.2Q8.4 12.7 8.4 9.35Q8.4 6 5.2 6H0V20H5.6Q9.2 20 9.2 16.4Q9.2 12.7 5.2 12.7'],
  C: [10.8, 'M10.8 8.8A6.4 7 0 1 0 10.8 17.2'],
  D: [10.8, 'M0 6V20H4.2Q10.8 20 10.8 13Q10.8 6 4.2 6Z'],
  E: [8.2, 'M8 6H0V20H8.2M0 12.8H7.2'],
  F: [8, 'M8 6H0V20M0 13H7'],
  G: [11.6, 'M10.8 8.8A6.4 7 0 1 0 11.6 15.6V13.4H7.4'],
  H: [10, 'M0 6V20M10 6V20M0 12.8H10'],
  I: [0, 'M0 6V20'],
  J: [5.6, 'M5.6 6V16Q5.6 20 2.8 20Q.6 20 0 17.6'],
  K: [9.6, 'M0 6V20M9.2 6L0 14.8M3.6 11.6L9.6 20'],
  L: [7.8, 'M0 6V20H7.8'],
  M: [12.8, 'M0 20V6L6.4 16L12.8 6V20'],
  N: [10, 'M0 20V6L10 20V6'],
  O: [13.2, 'M0 13a6.6 7 0 1 0 13.2 0a6.6 7 0 1 0-13.2 0'],
  P: [9, 'M0 20V6H5Q9 6 9 10Q9 14 5 14H0'],
  Q: [13.2, 'M0 13a6.6 7 0 1 0 13.2 0a6.6 7 0 1 0-13.2 0M8.6 16.4L12.8 21'],
  R: [9.4, 'M0 20V6H5Q9 6 9 9.8Q9 13.6 5 13.6H0M4.8 13.6L9.4 20'],
  S: [9, 'M8.4 8.8Q7.4 6 4.6 6Q.7 6 .7 9.4Q.7 12 4.6 12.8Q9 13.7 9 16.4Q9 20 4.6 20Q1 20 0 17'],
  T: [10, 'M0 6H10M5 6V20'],
  U: [9.8, 'M0 6V15Q0 20 4.9 20Q9.8 20 9.8 15V6'],
  V: [10.8, 'M0 6L5.4 20L10.8 6'],
  W: [16, 'M0 6L4 20L8 7L12 20L16 6'],
  X: [9.6, 'M0 6L9.6 20M9.6 6L0 20'],
  Y: [10, 'M0 6L5 13.2L10 6M5 13.2V20'],
  Z: [9.4, 'M0 6H9.2L0 20H9.4'],
  a: [9, 'M9 10V20M9 15a4.5 5 0 1 0-9 0a4.5 5 0 1 0 9 0'],
  b: [9, 'M0 5V20M0 15a4.5 5 0 1 1 9 0a4.5 5 0 1 1-9 0'],
  c: [8, 'M8 12A4.5 5 0 1 0 8 18'],
  d: [9, 'M9 5V20M9 15a4.5 5 0 1 0-9 0a4.5 5 0 1 0 9 0'],
  e: [9, 'M0 15H9A4.5 5 0 1 0 7.9 18.4'],
  f: [5.4, 'M5.8 5.2Q2.4 4.4 2.4 8.6V20M0 10.2H5.4'],
  g: [9, 'M9 10V20.6Q9 25 4.5 25Q1.8 25 .7 23.4M9 15a4.5 5 0 1 0-9 0a4.5 5 0 1 0 9 0'],
  h: [8.2, 'M0 5V20M0 14.4Q0 10 4.1 10Q8.2 10 8.2 14.4V20'],
  i: [0, 'M0 10V20M0 5.8v.1'],
  j: [1.4, 'M1.4 10V22.4Q1.4 25-1 25M1.4 5.8v.1'],
  k: [8, 'M0 5V20M7.6 10L0 16.4M3 14L8 20'],
  l: [0, 'M0 5V20'],
  m: [13.6, 'M0 10V20M0 14Q0 10 3.5 10Q6.8 10 6.8 14V20M6.8 14Q6.8 10 10.3 10Q13.6 10 13.6 14V20'],
  n: [8.2, 'M0 10V20M0 14.4Q0 10 4.1 10Q8.2 10 8.2 14.4V20'],
  o: [9.2, 'M0 15a4.6 5 0 1 0 9.2 0a4.6 5 0 1 0-9.2 0'],
  p: [9, 'M0 10V25M0 15a4.5 5 0 1 1 9 0a4.5 5 0 1 1-9 0'],
  q: [9, 'M9 10V25M9 15a4.5 5 0 1 0-9 0a4.5 5 0 1 0 9 0'],
  r: [4.4, 'M0 10V20M0 14.6Q0 10.1 4.4 10.1'],
  s: [7.2, 'M6.8 11.8Q6 10 3.7 10Q.5 10 .5 12.5Q.5 14.4 3.7 15Q7.2 15.7 7.2 17.5Q7.2 20 3.7 20Q.8 20 0 18'],
  t: [5.8, 'M2.4 6.4V16.8Q2.4 20 5 20H5.8M0 10.2H5.6'],
  u: [8.2, 'M0 10V15.6Q0 20 4.1 20Q8.2 20 8.2 15.6M8.2 10V20'],
  v: [8.6, 'M0 10L4.3 20L8.6 10'],
  w: [13.2, 'M0 10L3.3 20L6.6 10.6L9.9 20L13.2 10'],
  x: [8, 'M0 10L8 20M8 10L0 20'],
  y: [8.8, 'M0 10L4.5 19.8M8.8 10L4.3 20.4Q2.6 25-.2 24.8'],
  z: [7.6, 'M0 10H7.4L0 20H7.6'],
  0: [9, 'M0 13a4.5 7 0 1 0 9 0a4.5 7 0 1 0-9 0'],
  1: [3.8, 'M0 8.8L3.8 6V20'],
  2: [8.6, 'M.4 9.6Q.8 6 4.4 6Q8.2 6 8.2 9.6Q8.2 11.8 5.6 14.4L0 20H8.6'],
  3: [8.6, 'M.5 8.6Q1.4 6 4.3 6Q7.9 6 7.9 9.4Q7.9 12.6 3.8 12.6Q8.6 12.6 8.6 16.2Q8.6 20 4.2 20Q1 20 0 17.2'],
  4: [9, 'M6.6 20V6L0 16H9'],
  5: [8.6, 'M7.8 6H1.4L.8 12.2Q2 11 4.2 11Q8.6 11 8.6 15.4Q8.6 20 4.2 20Q1 20 0 17.4'],
  6: [8.8, 'M7.6 7.2Q6.4 6 4.8 6Q0 6 0 15.4M0 15.4a4.4 4.6 0 1 0 8.8 0a4.4 4.6 0 1 0-8.8 0'],
  7: [8.6, 'M0 6H8.6L3.2 20'],
  8: [8.8, 'M.8 9.4a3.6 3.4 0 1 0 7.2 0a3.6 3.4 0 1 0-7.2 0M0 16.4a4.4 3.6 0 1 0 8.8 0a4.4 3.6 0 1 0-8.8 0'],
  9: [8.8, 'M1.2 18.8Q2.4 20 4 20Q8.8 20 8.8 10.6M8.8 10.6a4.4 4.6 0 1 0-8.8 0a4.4 4.6 0 1 0 8.8 0'],
  '.': [0, 'M0 19.8v.1'],
  ',': [0.8, 'M.8 19.8L0 22.6'],
  ':': [0, 'M0 11.6v.1M0 19.8v.1'],
  '-': [5, 'M0 14.8H5'],
  '+': [8, 'M0 14.4H8M4 10.4V18.4'],
  _: [8, 'M0 22H8'],
  '/': [6, 'M6 5L0 22'],
  "'": [0, 'M0 5.4V9'],
  '"': [3, 'M0 5.4V9M3 5.4V9'],
  '(': [3, 'M3 4Q0 8 0 14.2Q0 20.4 3 24.4'],
  ')': [3, 'M0 4Q3 8 3 14.2Q3 20.4 0 24.4'],
  '&': [10, 'M9.8 20L2.6 10.6Q.8 7.8 2.4 6.6Q4 5.4 5.6 6.8Q7.2 8.6 4.6 11Q0 13.4 0 16.4Q0 20 4 20Q8.4 20 9.4 14.6'],
  '%': [
    12.6,
    'M0 9.2a2.7 3.2 0 1 0 5.4 0a2.7 3.2 0 1 0-5.4 0M7.2 16.8a2.7 3.2 0 1 0 5.4 0a2.7 3.2 0 1 0-5.4 0M10.6 6L2 20',
  ],
  '…': [8, 'M0 19.8v.1M4 19.8v.1M8 19.8v.1'],
};

const GAP = 3.6;
/** The height that the numbers above are in, from one line to the next. */
const HEIGHT = 28;

/**
 * One line of text as SVG, its upper left corner at (x, y), `height` high and at most `width` wide: what is longer is
 * cut. Text with a letter that is not among ours is left to the system's fonts, where there are any.
 */
export function lettering(text: string, x: number, y: number, height: number, width: number, color: string): string {
  const scale = height / HEIGHT;
  if (Array.from(text).some((letter) => !Object.hasOwn(LETTERS, letter)))
    return systemText(text, x, y, scale, width, color);
  let at = 0;
  const paths = Array.from(cut(text, width / scale), (letter) => {
    const [advance, path] = LETTERS[letter] as readonly [number, string];
    const moved = path === '' ? '' : `<path transform="translate(${at.toFixed(1)} 0)" d="${path}"/>`;
    at += advance + GAP;
    return moved;
  });
  return (
    `<g transform="translate(${x} ${y}) scale(${scale})" fill="none" stroke="${color}" stroke-width="1.9" ` +
    `stroke-linecap="round" stroke-linejoin="round">${paths.join('')}</g>`
  );
}

/** How wide a text of ours is, `height` high. */
export function widthOf(text: string, height: number): number {
  const advances = Array.from(text).map((letter) => (LETTERS[letter]?.[0] ?? 0) + GAP);
  return (advances.reduce((sum, advance) => sum + advance, -GAP) * height) / HEIGHT;
}

function cut(text: string, width: number): string {
  if (widthOf(text, HEIGHT) <= width) return text;
  let kept = text;
  while (kept !== '' && widthOf(`${kept}…`, HEIGHT) > width) kept = kept.slice(0, -1);
  return `${kept.trimEnd()}…`;
}

function systemText(text: string, x: number, y: number, scale: number, width: number, color: string): string {
  const most = Math.max(1, Math.floor(width / (13 * scale))); // a guess: whose letters these are, nobody knows here
  const letters = Array.from(text.replace(NOT_IN_XML, ' '));
  const kept = letters.length <= most ? letters : [...letters.slice(0, most - 1), '…'];
  const escaped = kept.join('').replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
  const size = (20 * scale).toFixed(1);
  return `<text x="${x}" y="${y + 20 * scale}" font-family="sans-serif" font-size="${size}" fill="${color}">${escaped}</text>`;
}

/** What XML cannot hold, escaped or not. */
const NOT_IN_XML = /[\p{Cc}\p{Cs}\ufffe\uffff]/gu;
