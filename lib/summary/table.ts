import { center, commas, list, twoDecimals } from './python';

/** One layer or block of a forward, in order of execution. */
export interface SummaryRow {
  /** Type and number within its type, e.g. `Conv2D-1`. */
  name: string;
  /** The layer's name in the article, e.g. `Conv2D`. */
  type: string;
  inputShape: number[];
  outputShape: number[];
  /** The article's "Param #": learnable values and running statistics. */
  parameters: number;
  /** Those of them that count as trainable; see `SummaryOptions.trainable`. */
  trainable: number;
  /** Multiply-adds of convolutions and Linear, as torchvision counts them; 0 elsewhere. */
  multiplyAdds: number;
}

/** The figures below the article's table. One MB is 2^20 bytes; every value counts as 4 bytes. */
export interface SummaryTotals {
  parameters: number;
  trainable: number;
  nonTrainable: number;
  inputMB: number;
  /** All outputs twice: once for the forward, once for the gradients. Blocks' rows count as well, as in Paddle. */
  forwardBackwardMB: number;
  parametersMB: number;
  totalMB: number;
  multiplyAdds: number;
}

const HEADINGS = ['Layer (type)', 'Input Shape', 'Output Shape', 'Param #'] as const;
const MIN_WIDTHS = [15, 20, 20, 15] as const;
/** A rule is longer than its columns by this much. */
const RULE_MARGIN = 5;

/** The table that paddle.summary prints, both final newlines included (paddle/hapi/model_summary.py). */
export function articleTable(rows: readonly SummaryRow[], totals: SummaryTotals): string {
  const cells = rows.map((row) => [
    row.name,
    `[${list(row.inputShape)}]`,
    list(row.outputShape),
    commas(row.parameters),
  ]);
  // Paddle measures the last column before it puts the commas in.
  const measured = rows.map((row, i) => [...(cells[i] ?? []).slice(0, 3), String(row.parameters)]);
  const widths = MIN_WIDTHS.map((min, column) =>
    measured.reduce<number>((widest, row) => Math.max(widest, (row[column] ?? '').length), min),
  );
  const ruleWidth = widths.reduce((sum, width) => sum + width, RULE_MARGIN);
  const line = (row: readonly string[]): string => row.map((cell, i) => center(cell, widths[i] ?? 0)).join(' ');
  const [thin, thick] = ['-'.repeat(ruleWidth), '='.repeat(ruleWidth)];

  return [
    thin,
    line(HEADINGS),
    thick,
    ...cells.map(line),
    thick,
    `Total params: ${commas(totals.parameters)}`,
    `Trainable params: ${commas(totals.trainable)}`,
    `Non-trainable params: ${commas(totals.nonTrainable)}`,
    thin,
    `Input size (MB): ${twoDecimals(totals.inputMB)}`,
    `Forward/backward pass size (MB): ${twoDecimals(totals.forwardBackwardMB)}`,
    `Params size (MB): ${twoDecimals(totals.parametersMB)}`,
    `Estimated Total Size (MB): ${twoDecimals(totals.totalMB)}`,
    thin,
    '',
    '',
  ].join('\n');
}
