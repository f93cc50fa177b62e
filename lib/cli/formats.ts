import { Option } from 'commander';
import { stringify } from 'csv-stringify/sync';

export type Format = 'text' | 'json' | 'csv' | 'markdown';

export interface Column<Row> {
  heading: string;
  /** The value in CSV. */
  value: (row: Row) => string | number;
  /** The value in text and Markdown. Default: `value`, with commas between thousands. */
  text?: (row: Row) => string;
  /** Align to the right, for numbers. */
  right?: boolean;
}

export function formatOption(): Option {
  return new Option('--format <name>', 'what to print').choices(['text', 'json', 'csv', 'markdown']).default('text');
}

export function asJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** @param withHeader - false for rows that follow earlier ones */
export function asCsv<Row>(columns: readonly Column<Row>[], rows: readonly Row[], withHeader = true): string {
  return stringify([
    ...(withHeader ? [columns.map(({ heading }) => heading)] : []),
    ...rows.map((row) => columns.map(({ value }) => value(row))),
  ]);
}

export function asMarkdown<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return [
    line(columns.map(({ heading }) => heading)),
    line(columns.map(({ right }) => (right ? '---:' : '---'))),
    ...rows.map((row) => line(columns.map((column) => format(column, row)))),
  ].join('');
}

/** Aligned columns, separated by two spaces, below their headings. */
export function asText<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  emphasize: (heading: string) => string,
): string {
  const cells = rows.map((row) => columns.map((column) => format(column, row)));
  const widths = columns.map(({ heading }, i) => Math.max(heading.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (columns[i]?.right ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [emphasize(line(columns.map(({ heading }) => heading))), ...cells.map(line), ''].join('\n');
}

function format<Row>(column: Column<Row>, row: Row): string {
  if (column.text !== undefined) return column.text(row);
  const value = column.value(row);
  return typeof value === 'number' ? value.toLocaleString('en-US') : value;
}
