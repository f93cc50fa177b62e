import type { Command } from 'commander';
import { SUPPORTED_LAYERS, type Layers } from '../depths';
import { ResNet } from '../resnet';
import { summary } from '../summary';
import { colors } from './colors';
import { asCsv, asJson, asMarkdown, asText, formatOption, type Column, type Format } from './formats';
import { parseCount, parseLayers } from './options';

interface Counts {
  layers: Layers;
  all: number;
  parameters: number;
  article: number;
  multiplyAdds: number;
  megabytes: number;
}

const EXPLANATION =
  'all: learnable values and running statistics; parameters: learnable values, as PyTorch counts; article: the ' +
  "article's trainable, no batch norm's; multiply-adds: of one 224 x 224 picture; MB: all as float32, 2^20 bytes.";

/** `resnet params`: the size of each depth. */
export function addParams(program: Command): void {
  program
    .command('params')
    .description('Print parameter counts, multiply-adds and sizes.')
    .argument('[layers...]', 'depths; default: all five')
    .option('--classes <k>', 'classes', parseCount, 1000)
    .addOption(formatOption())
    .action((depths: string[], { classes, format }: { classes: number; format: Format }) => {
      const layers = depths.length === 0 ? SUPPORTED_LAYERS : depths.map(parseLayers);
      process.stdout.write(
        render(
          layers.map((depth) => count(depth, classes)),
          format,
        ),
      );
    });
}

function count(layers: Layers, classes: number): Counts {
  using net = new ResNet(layers, classes, { device: 'meta' });
  const { totals } = summary(net, [1, 3, 224, 224]);
  return {
    layers,
    all: net.parameterCount({ count: 'all' }),
    parameters: net.parameterCount({ count: 'parameters' }),
    article: net.parameterCount({ count: 'article' }),
    multiplyAdds: totals.multiplyAdds,
    megabytes: totals.parametersMB,
  };
}

const COLUMNS: readonly Column<Counts>[] = [
  { heading: 'layers', value: ({ layers }) => layers, right: true },
  { heading: 'all', value: ({ all }) => all, right: true },
  { heading: 'parameters', value: ({ parameters }) => parameters, right: true },
  { heading: 'article', value: ({ article }) => article, right: true },
  { heading: 'multiply-adds', value: ({ multiplyAdds }) => multiplyAdds, right: true },
  { heading: 'MB', value: ({ megabytes }) => megabytes, text: ({ megabytes }) => megabytes.toFixed(2), right: true },
];

function render(rows: readonly Counts[], format: Format): string {
  switch (format) {
    case 'json':
      return asJson(rows);
    case 'csv':
      return asCsv(COLUMNS, rows);
    case 'markdown':
      return asMarkdown(COLUMNS, rows);
    case 'text':
      return `${asText(COLUMNS, rows, colors.bold)}\n${colors.dim(EXPLANATION)}\n`;
  }
}
