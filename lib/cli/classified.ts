/** What `resnet classify` prints, as it comes: the pictures of a long list are never all in memory. */
import type { Prediction } from '../image/classifier';
import { bar, speaksUnicode } from './bars';
import { colors } from './colors';
import { asCsv, asJson, type Column } from './formats';
import { printable, printableJson } from './printable';

export interface Classified {
  image: string;
  predictions: readonly Prediction[];
}

/** Turns results into text, in their order; `end` is what follows the last one. */
export interface Writer {
  next(classified: readonly Classified[]): string;
  end(): string;
}

export const WRITERS = { text, json, csv } satisfies Record<string, () => Writer>;

const BAR = 24;

/** A bar beside each score is for eyes only: no program has to parse one away. */
function text(): Writer {
  const terminal = process.stdout.isTTY;
  const unicode = speaksUnicode();
  const line = ({ label, score }: Prediction): string => {
    const drawn = terminal ? `${colors.cyan(bar(score, BAR, unicode))}  ` : '';
    return `  ${(100 * score).toFixed(2).padStart(6)} %  ${drawn}${printable(label)}\n`;
  };
  const one = ({ image, predictions }: Classified): string =>
    `${colors.bold(printable(image))}\n${predictions.map(line).join('')}`;
  return { next: (classified) => classified.map(one).join(''), end: () => '' };
}

/** One array, `[]` where nothing is in it. */
function json(): Writer {
  let empty = true;
  const one = (classified: Classified): string => {
    const separator = empty ? '[\n' : ',\n';
    empty = false;
    return separator + printableJson(asJson(classified)).trimEnd().replace(/^/gm, '  ');
  };
  return { next: (classified) => classified.map(one).join(''), end: () => (empty ? '[]\n' : '\n]\n') };
}

interface Row extends Prediction {
  image: string;
  rank: number;
}

function csv(): Writer {
  let headed = true;
  const shown = process.stdout.isTTY ? printable : (value: string): string => value;
  const columns: readonly Column<Row>[] = [
    { heading: 'image', value: ({ image }) => shown(image) },
    { heading: 'rank', value: ({ rank }) => rank },
    { heading: 'label', value: ({ label }) => shown(label) },
    { heading: 'index', value: ({ index }) => index },
    { heading: 'score', value: ({ score }) => score },
  ];
  const next = (classified: readonly Classified[]): string => {
    const rows = classified.flatMap(({ image, predictions }) =>
      predictions.map((prediction, i) => ({ ...prediction, image, rank: i + 1 })),
    );
    const written = asCsv(columns, rows, headed);
    headed = false;
    return written;
  };
  return { next, end: () => (headed ? next([]) : '') };
}
