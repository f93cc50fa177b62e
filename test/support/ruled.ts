import { ResNet, type Layers, type ModuleOptions, type Tensor } from '../../lib/index';
import { ruleTensor } from './rule';
import { torchvisionNames } from './torchvision';

/** Independent of the package: the article's layers_config. */
const BLOCKS: Record<number, number[]> = {
  18: [2, 2, 2, 2],
  34: [3, 4, 6, 3],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
};

/** A network with the weights that the rule makes for it. */
export function ruled(layers: number, numClasses: number, options: ModuleOptions = {}): ResNet {
  const net = new ResNet(layers as Layers, numClasses, options);
  const state = [...net.stateDict()];
  const names = torchvisionNames(
    state.map(([name]) => name),
    BLOCKS[layers]!,
  );
  const entries = state.flatMap(([name, { shape }], i) =>
    name.endsWith('num_batches_tracked') ? [] : [[name, ruleTensor(names[i]!, shape)] as const],
  );
  net.loadStateDict(new Map(entries));
  return net;
}

/** One case of fixtures/parity/logits.json. */
export interface Golden {
  layers: number;
  numClasses: number;
  inputShape: number[];
  /** The first classes of each image. */
  logits: number[][];
  argmax: number[];
  /** Over every logit, as is `sum`. */
  absMax: number;
  sum: number;
}

/** Holds answers against a golden: to 2e-5 of its largest logit. */
export function expectGolden(answer: Tensor, golden: Golden): void {
  const y = answer.toFloat32();
  const rows = golden.inputShape[0]!;
  const allowed = 2e-5 * golden.absMax;
  expect(answer.shape).toEqual([rows, golden.numClasses]);
  expect(golden.logits).toHaveLength(rows);
  golden.logits.forEach((expected, n) => {
    const row = [...y.subarray(n * golden.numClasses, (n + 1) * golden.numClasses)];
    expected.forEach((logit, k) => expect(Math.abs(row[k]! - logit)).toBeLessThanOrEqual(allowed));
    expect(row.indexOf(Math.max(...row))).toBe(golden.argmax[n]);
  });
  expect(
    Math.abs(y.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) - golden.absMax),
  ).toBeLessThanOrEqual(allowed);
  expect(Math.abs(y.reduce((sum, value) => sum + value, 0) - golden.sum)).toBeLessThanOrEqual(allowed * y.length);
}
