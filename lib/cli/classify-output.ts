/** The output formats of `resnet classify`, written as results come: a long list is never in memory as a whole. */
import type { Prediction } from '../image/classifier';
import { bar, supportsUnicode } from './bars';
import { colors } from './colors';
import { asCsv, asJson, type Column } from './formats';
import { printable, printableJson } from './printable';

export interface ClassifiedImage {
  image: string;
  predictions: readonly Prediction[];
}

/** Formats results in their order; `end` gives the text after the last one. */
export interface Writer {
  next(classified: readonly ClassifiedImage[]): string;
  end(): string;
}

export const WRITERS = { text, json, csv } satisfies Record<string, () => Writer>;

const BAR = 24;

/** Bars are drawn on a terminal only, so that programs need not strip them. */
function text(): Writer {
  const isTerminal = process.stdout.isTTY;
  const unicode = supportsUnicode();
  const line = ({ label, score }: Prediction): string => {
    const drawn = isTerminal ? `${colors.cyan(bar(score, BAR, unicode))}  ` : '';
    return `  ${(100 * score).toFixed(2).padStart(6)} %  ${drawn}${printable(label)}\n`;
  };
  const format = ({ image, predictions }: ClassifiedImage): string =>
    `${colors.bold(printable(image))}\n${predictions.map(line).join('')}`;
  return { next: (classified) => classified.map(format).join(''), end: () => '' };
}

/** One array, also for no results. */
function json(): Writer {
  let empty = true;
  const format = (classified: ClassifiedImage): string => {
    const separator = empty ? '[\n' : ',\n';
    empty = false;
    return separator + printableJson(asJson(classified)).trimEnd().replace(/^/gm, '  ');
  };
  return { next: (classified) => classified.map(format).join(''), end: () => (empty ? '[]\n' : '\n]\n') };
}

interface Row extends Prediction {
  image: string;
  rank: number;
}

function csv(): Writer {
  let needsHeader = true;
  const escape = process.stdout.isTTY ? printable : (value: string): string => value;
  const columns: readonly Column<Row>[] = [
    { heading: 'image', value: ({ image }) => escape(image) },
    { heading: 'rank', value: ({ rank }) => rank },
    { heading: 'label', value: ({ label }) => escape(label) },
    { heading: 'index', value: ({ index }) => index },
    { heading: 'score', value: ({ score }) => score },
  ];
  const next = (classified: readonly ClassifiedImage[]): string => {
    const rows = classified.flatMap(({ image, predictions }) =>
      predictions.map((prediction, i) => ({ ...prediction, image, rank: i + 1 })),
    );
    const written = asCsv(columns, rows, needsHeader);
    needsHeader = false;
    return written;
  };
  return { next, end: () => (needsHeader ? next([]) : '') };
}
