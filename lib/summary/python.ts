/** Python's string formatting, as far as the article's table depends on it. */

/** `'{:^width}'`: centered, the odd space on the right. */
export function center(text: string, width: number): string {
  const left = Math.floor(Math.max(0, width - text.length) / 2);
  return (' '.repeat(left) + text).padEnd(width);
}

/** `str()` of a list of integers: `[1, 64, 56, 56]`. */
export function list(values: readonly number[]): string {
  return `[${values.join(', ')}]`;
}

/** `'{:,}'`: commas between thousands. */
export function commas(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** `'%.2f'`: two decimals; a value exactly in the middle goes to the even digit, where toFixed goes up. */
export function twoDecimals(value: number): string {
  const eighths = value * 8; // a double lies exactly between two hundredths only at odd eighths: .125, .375, …
  const tie = Number.isInteger(eighths) && eighths % 2 === 1;
  const evenBelow = tie && (eighths % 8 === 1 || eighths % 8 === 5); // .12|5 and .62|5 go down, .37|5 and .87|5 up
  return (evenBelow ? value - 0.005 : value).toFixed(2);
}
