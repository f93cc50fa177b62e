import fixture from '../../fixtures/weights/names.json';
import { ResNet } from '../../../lib/index';
import { articleSpec } from '../../../lib/weights/names/article';
import { identifyResNet } from '../../../lib/weights/names/identify';
import { matchState } from '../../../lib/weights/names/match';
import { namesIn, type Naming } from '../../../lib/weights/names/namings';
import type { TensorInfo } from '../../../lib/weights/names/tensor-info';

const published = fixture as unknown as Record<string, Record<string, number[]>>;

const KEYS: Record<Exclude<Naming, 'article'>, string> = {
  torchvision: 'torchvision resnet%',
  huggingface: 'huggingface resnet%',
  paddle: 'article resnet% (paddle)',
  'paddle.vision': 'paddle.vision resnet%',
};

const cases = Object.entries(KEYS).flatMap(([naming, key]) =>
  ([18, 50] as const).map(
    (layers) => [naming as Naming, layers, published[key.replace('%', String(layers))]!] as const,
  ),
);

// Hugging Face registers the shortcut first; files are read by name, not by order.
test.each(cases)('every name that %s has for ResNet-%i, and its shape', (naming, layers, theirs) => {
  const state = [...new ResNet(layers, 1000, { seed: 1 }).stateDict()];
  const ours = state.map(([name]) => name);
  const named = namesIn(naming, ours);
  const paddle = naming.startsWith('paddle');
  const shapes = Object.fromEntries(
    state.flatMap(([name, { shape }], i) => {
      if (paddle && name.endsWith('num_batches_tracked')) return [];
      return [[named[i]!, paddle && name === 'fc.weight' ? [...shape].reverse() : shape]];
    }),
  );
  expect(shapes).toEqual(theirs);
});

test.each(cases)(
  'and back: tensors with the names that %s has for ResNet-%i are identified and matched',
  (naming, layers, theirs) => {
    const given = new Map(
      Object.entries(theirs).map(([name, shape]): [string, TensorInfo] => [name, { dtype: 'float32', shape }]),
    );
    expect(identifyResNet('the fixture', given)).toEqual({ layers, numClasses: 1000, naming });
    const spec = articleSpec(layers, 1000);
    const { pairs, missing, unexpected, untracked } = matchState('the fixture', spec, given, {});
    const counters = spec.filter(({ name }) => name.endsWith('num_batches_tracked')).map(({ name }) => name);
    const absent = naming.startsWith('paddle') ? counters : [];
    expect({ missing, unexpected, untracked }).toEqual({ missing: [], unexpected: [], untracked: absent });
    expect(new Set(pairs.map((pair) => pair.source))).toEqual(new Set(given.keys()));
    // The fixture's own order where it is the article's: Hugging Face registers the shortcut first.
    if (naming !== 'huggingface') expect(pairs.map((pair) => pair.source)).toEqual([...given.keys()]);
    expect(pairs.filter(({ transposed }) => transposed).map(({ name }) => name)).toEqual(
      naming.startsWith('paddle') ? ['fc.weight'] : [],
    );
  },
);

test('a single block has the same names as in a network, without the prefix', () => {
  const block = ['conv_bn_block1.0.weight', 'conv_bn_block1.1.running_var', 'down_sample_block.1.bias'];
  expect(namesIn('torchvision', block)).toEqual(['conv1.weight', 'bn1.running_var', 'downsample.1.bias']);
  expect(namesIn('paddle', block)).toEqual([
    'conv_bn_block1.0.weight',
    'conv_bn_block1.1._variance',
    'down_sample_block.1.bias',
  ]);
});
