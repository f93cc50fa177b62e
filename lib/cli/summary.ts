import { InvalidArgumentError, Option, type Command } from 'commander';
import { BasicBlock, BottleneckBlock } from '../blocks';
import { badArgument } from '../errors';
import type { Module } from '../module';
import { ResNet } from '../resnet';
import { summary, type Summary, type SummaryRow } from '../summary';
import { colors } from './colors';
import { asCsv, asJson, asMarkdown, formatOption, type Column, type Format } from './formats';
import { parseCount, parseLayers } from './options';

interface Flags {
  classes: number;
  input?: (number | null)[];
  trainable: 'article' | 'parameters';
  format: Format;
}

/** `resnet summary`: the table of a network's or block's layers. */
export function addSummary(program: Command): void {
  program
    .command('summary')
    .description("Print the article's table, layer by layer.")
    .argument('<network>', '18, 34, 50, 101 or 152, or basic:IN,OUT,STRIDE or bottleneck:IN,OUT,STRIDE')
    .option('--classes <k>', 'classes of a network', parseCount, 1000)
    .option('--input <n,c,h,w>', 'shape of the input; default: one picture of 224 x 224', parseShape)
    .addOption(
      new Option('--trainable <rule>', "what counts as trainable: the article's rule, or PyTorch's parameters")
        .choices(['article', 'parameters'])
        .default('article'),
    )
    .addOption(formatOption())
    .action((network: string, { classes, input, trainable, format }: Flags) => {
      const { module, channels } = build(network, classes);
      using described = module;
      process.stdout.write(render(summary(described, input ?? [1, channels, 224, 224], { trainable }), format));
    });
}

/** On the meta device: a summary needs shapes, not values. */
function build(network: string, classes: number): { module: Module; channels: number } {
  const [, kind, list] = /^(basic|bottleneck):([\d,]+)$/.exec(network) ?? [];
  if (kind === undefined || list === undefined) {
    return { module: new ResNet(parseLayers(network), classes, { device: 'meta' }), channels: 3 };
  }
  const numbers = list.split(',').map(Number);
  if (numbers.length !== 3) throw badArgument('network', `${kind}:IN,OUT,STRIDE`, network);
  const [inputChannels, outputChannels, stride] = numbers as [number, number, number];
  const Block = kind === 'basic' ? BasicBlock : BottleneckBlock;
  return { module: new Block(inputChannels, outputChannels, stride, { device: 'meta' }), channels: inputChannels };
}

function parseShape(text: string): (number | null)[] {
  const parts = text.split(',');
  if (parts.length === 4 && parts.every((part, i) => /^\d{1,9}$/.test(part) || (i === 0 && part === 'null'))) {
    return parts.map((part) => (part === 'null' ? null : Number(part)));
  }
  throw new InvalidArgumentError('It must be four integers, N,C,H,W.');
}

const COLUMNS: readonly Column<SummaryRow>[] = [
  { heading: 'name', value: ({ name }) => name },
  { heading: 'input shape', value: ({ inputShape }) => `[${inputShape.join(', ')}]` },
  { heading: 'output shape', value: ({ outputShape }) => `[${outputShape.join(', ')}]` },
  { heading: 'parameters', value: ({ parameters }) => parameters, right: true },
  { heading: 'trainable', value: ({ trainable }) => trainable, right: true },
  { heading: 'multiply-adds', value: ({ multiplyAdds }) => multiplyAdds, right: true },
];

function render(described: Summary, format: Format): string {
  const { rows, totals } = described;
  switch (format) {
    case 'json':
      return asJson({ rows, totals });
    case 'csv':
      return asCsv(COLUMNS, rows);
    case 'markdown':
      return asMarkdown(COLUMNS, [...rows, totalRow(described)]);
    case 'text':
      return colored(String(described));
  }
}

function totalRow({ totals }: Summary): SummaryRow {
  return { ...totals, name: 'total', type: '', inputShape: [], outputShape: [] };
}

/** Highlights blocks and dims rules. */
function colored(table: string): string {
  return table
    .split('\n')
    .map((line) => {
      if (/^[-=]+$/.test(line)) return colors.dim(line);
      if (/Block-\d/.test(line)) return colors.cyan(line);
      return line.includes('Layer (type)') || line.startsWith('Total params') ? colors.bold(line) : line;
    })
    .join('\n');
}
