import { badArgument } from './errors';
import type { Module } from './module';
import { traceModule } from './module-internals';
import type { NativeRow } from './native/addon';
import { countParameters } from './parameter-count';
import { articleTable, type SummaryRow, type SummaryTotals } from './summary/table';

export type { SummaryRow, SummaryTotals };

/** Options of {@link summary}. */
export interface SummaryOptions {
  /**
   * 'article' (default): none of a batch norm's four vectors is trainable, as the article's PaddlePaddle counts.
   * 'parameters': scale and shift are, so that the figure is PyTorch's number of parameters.
   */
  trainable?: 'article' | 'parameters' | undefined;
}

/** A network layer by layer. */
export interface Summary {
  rows: SummaryRow[];
  totals: SummaryTotals;
  /** The article's table (paddle.summary), to the byte, with its two final newlines. */
  toString(): string;
}

/**
 * Lists a module's layers over an input, as `paddle.summary` does in the article (the one that the code follows, a
 * reproduction of He et al. 2015, arXiv:1512.03385). Computes shapes only, so a module on device 'meta' will do.
 *
 * @param module - a ResNet, BasicBlock or BottleneckBlock
 * @param inputSize - [N, C, H, W]; `null` as N counts as 1
 * @throws ERR_SHAPE, ERR_ARGUMENT, ERR_DISPOSED
 *
 * @example
 * process.stdout.write(String(summary(new ResNet(50), [null, 3, 224, 224])));
 */
export function summary(module: Module, inputSize: readonly (number | null)[], options: SummaryOptions = {}): Summary {
  const trainable = options.trainable ?? 'article';
  if (trainable !== 'article' && trainable !== 'parameters') {
    throw badArgument('trainable', "'article' or 'parameters'", trainable);
  }
  if (!Array.isArray(inputSize)) throw badArgument('inputSize', 'an array of integers', inputSize, 'ERR_SHAPE');
  const shape = inputSize.map((dimension: number | null, i) =>
    dimension === null && i === 0 ? 1 : dimension,
  ) as number[];
  const rows = numbered(traceModule(module, shape), trainable);
  const totals = total(rows, shape);
  return { rows, totals, toString: () => articleTable(rows, totals) };
}

function numbered(trace: readonly NativeRow[], trainable: 'article' | 'parameters'): SummaryRow[] {
  const seen = new Map<string, number>();
  return trace.map((row) => {
    const { type, inputShape, outputShape, multiplyAdds } = row;
    const number = (seen.get(type) ?? 0) + 1;
    seen.set(type, number);
    return {
      name: `${type}-${number}`,
      type,
      inputShape,
      outputShape,
      parameters: countParameters(row, 'all'),
      trainable: countParameters(row, trainable),
      multiplyAdds,
    };
  });
}

function total(rows: readonly SummaryRow[], inputShape: readonly number[]): SummaryTotals {
  const sum = (value: (row: SummaryRow) => number): number => rows.reduce((all, row) => all + value(row), 0);
  const product = (shape: readonly number[]): number => shape.reduce((all, dimension) => all * dimension, 1);
  const megabytes = (values: number): number => (values * 4) / 2 ** 20;

  const parameters = sum((row) => row.parameters);
  const trainable = sum((row) => row.trainable);
  const inputMB = megabytes(product(inputShape));
  const forwardBackwardMB = megabytes(2 * sum((row) => product(row.outputShape)));
  const parametersMB = megabytes(parameters);
  return {
    parameters,
    trainable,
    nonTrainable: parameters - trainable,
    inputMB,
    forwardBackwardMB,
    parametersMB,
    totalMB: parametersMB + forwardBackwardMB + inputMB,
    multiplyAdds: sum((row) => row.multiplyAdds),
  };
}
