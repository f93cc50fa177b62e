import names from './fixtures/weights/names.json';
import { ResNet, type Layers } from '../lib/index';

const shapes = (net: ResNet): [string, readonly number[]][] =>
  [...net.stateDict()].map(([name, { shape }]) => [name, shape]);

test.each([
  [18, 122],
  [34, 218],
  [50, 320],
  [101, 626],
  [152, 932],
] as const)('ResNet-%i has %i tensors', (layers, count) => {
  expect(shapes(new ResNet(layers as Layers, 10))).toHaveLength(count);
});

/** The article's names have PaddlePaddle's leaves; ours have torch's, and one more. */
const LEAVES: Record<string, string> = { _mean: 'running_mean', _variance: 'running_var' };

test.each([18, 50] as const)(
  "ResNet-%i's names, order and shapes are the article's, with torch's leaf names",
  (layers) => {
    const key = `article resnet${layers} (paddle)`;
    const article = Object.entries((names as unknown as Record<string, Record<string, number[]>>)[key]!).map(
      ([name, shape]) => {
        const at = name.lastIndexOf('.') + 1;
        const torch = name.slice(0, at) + (LEAVES[name.slice(at)] ?? name.slice(at));
        return [torch, torch === 'fc.weight' ? [...shape].reverse() : shape];
      },
    );
    const ours = shapes(new ResNet(layers)).filter(([name]) => !name.endsWith('num_batches_tracked'));
    expect(ours).toEqual(article);
  },
);

test("ResNet-18's and -50's state has torchvision's order and shapes", () => {
  for (const layers of [18, 50] as const) {
    const torchvision = Object.values(
      (names as unknown as Record<string, Record<string, number[]>>)[`torchvision resnet${layers}`]!,
    );
    expect(shapes(new ResNet(layers)).map(([, shape]) => shape)).toEqual(torchvision);
  }
});
