import fc from 'fast-check';
import { ResNet, type ResNetError } from '../../lib/index';
import { articleSpec } from '../../lib/weights/names/article';
import { namesIn, type Naming } from '../../lib/weights/names/namings';
import { planLoad, type LoadPlan, type PlanOptions } from '../../lib/weights/plan-load';
import { written, safetensors, temporaryFolder } from '../support/files';

const folder = temporaryFolder();

type Shapes = Map<string, readonly number[]>;

/** Names and shapes of a ResNet's tensors. */
function shapes(layers: 18 | 34 | 50, classes = 10, naming: Naming = 'torchvision'): Shapes {
  const spec = articleSpec(layers, classes);
  const names = namesIn(
    naming,
    spec.map(({ name }) => name),
  );
  const turned = naming.startsWith('paddle');
  return new Map(
    spec.map(({ name, shape }, i) => [names[i]!, turned && name === 'fc.weight' ? [...shape].reverse() : shape]),
  );
}

/** A file of these tensors without values: a plan reads none. All of a tensor's values but none are left out. */
function plan(tensors: Shapes, options: PlanOptions = {}): Promise<LoadPlan> {
  let end = 0;
  const header = Object.fromEntries(
    [...tensors].map(([name, shape]) => {
      const bytes = 1 * shape.reduce((product, dimension) => product * dimension, 2);
      const start = end;
      end += bytes;
      return [name, { dtype: 'F16', shape, data_offsets: [start, end] }];
    }),
  );
  return planLoad(written(folder, 'net.safetensors', safetensors(header, new Uint8Array(end))), options);
}

const refusal = (tensors: Shapes, options?: PlanOptions): Promise<string> =>
  plan(tensors, options).then(
    () => 'planned',
    (error: unknown) => `${(error as ResNetError).code} ${(error as ResNetError).message}`,
  );

const renamed = (tensors: Shapes, rename: (name: string) => string): Shapes =>
  new Map([...tensors].map(([name, shape]) => [rename(name), shape]));
const prefixed = (tensors: Shapes, prefix: string): Shapes => renamed(tensors, (name) => prefix + name);
const without = (tensors: Shapes, pattern: RegExp): Shapes =>
  new Map([...tensors].filter(([name]) => !pattern.test(name)));
const withHead = (tensors: Shapes, head: Record<string, number[]>): Shapes =>
  new Map([...without(tensors, /^fc\./), ...Object.entries(head)]);
const members = ['conv1', 'bn1', '', '', 'layer1', 'layer2', 'layer3', 'layer4', '', 'fc'];
const children = (tensors: Shapes): Shapes =>
  renamed(tensors, (name) => name.replace(/^\w+/, (first) => String(members.indexOf(first))));

const linear = (name: string, inputs: number, outputs: number): Record<string, number[]> => ({
  [`${name}.weight`]: [outputs, inputs],
  [`${name}.bias`]: [outputs],
});

test('any prefix is taken off, of any depth and in any naming', async () => {
  const part = fc.constantFrom(
    'net',
    'backbone',
    'encoder',
    'model',
    'module',
    '_orig_mod',
    'resnet',
    'a-b',
    '0',
    'fc',
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { maxLength: 4 }),
      fc.constantFrom<Naming>('article', 'torchvision', 'huggingface', 'paddle', 'paddle.vision'),
      async (parts, naming) => {
        const prefix = parts.map((one) => `${one}.`).join('');
        const found = await plan(prefixed(shapes(18, 10, naming), prefix));
        expect([found.layers, found.numClasses, found.headless, found.warnings]).toEqual([18, 10, false, []]);
        expect(found.tensors.map(({ target }) => target)).toContain('fc.weight');
      },
    ),
    { numRuns: 40 },
  );
});

describe('heads that are one Linear', () => {
  const plain = shapes(50);
  const cases: [string, Shapes][] = [
    ['a Sequential', withHead(plain, linear('fc.1', 2048, 10))],
    ['deeper in Sequentials', withHead(plain, linear('fc.0.1.0', 2048, 10))],
    ...['head', 'classifier', 'last_linear', 'head.fc', 'classifier.0'].map((name): [string, Shapes] => [
      name,
      withHead(plain, linear(name, 2048, 10)),
    ]),
    [
      'mmpretrain',
      new Map([...prefixed(without(plain, /^fc\./), 'backbone.'), ...Object.entries(linear('head.fc', 2048, 10))]),
    ],
    [
      'beside a backbone within wrappers',
      prefixed(
        new Map([...prefixed(without(plain, /^fc\./), 'encoder.'), ...Object.entries(linear('classifier', 2048, 10))]),
        'module.model.',
      ),
    ],
    ['Sequential(*children())', children(plain)],
    ['a Sequential within a wrapper', prefixed(children(plain), 'features.')],
    [
      'Sequential(*children()[:-1], Flatten, Linear)',
      new Map([...children(without(plain, /^fc\./)), ...Object.entries(linear('10', 2048, 10))]),
    ],
    [
      'Sequential(backbone, Flatten, Linear)',
      new Map([...prefixed(without(plain, /^fc\./), '0.'), ...Object.entries(linear('2', 2048, 10))]),
    ],
    [
      'fastai with a single Linear',
      new Map([...prefixed(children(without(plain, /^fc\./)), '0.'), ...Object.entries(linear('1.2', 2048, 10))]),
    ],
    [
      "Hugging Face's model without its prefix",
      new Map([
        ...[...shapes(50, 10, 'huggingface')].map(([name, shape]) => [name.replace(/^resnet\./, ''), shape] as const),
      ]),
    ],
  ];

  test.each(cases)('%s', async (_name, tensors) => {
    expect(await plan(tensors)).toMatchObject({ layers: 50, numClasses: 10, headless: false, warnings: [] });
  });
});

describe('heads that cannot be used', () => {
  const plain = shapes(18);
  const mlp = withHead(plain, { ...linear('fc.0', 512, 512), ...linear('fc.2', 512, 128) });
  const cases: [string, Shapes, RegExp][] = [
    ['two Linears', mlp, /not one Linear behind the pooling: fc\.0\.weight; fc\.2\.weight\. /],
    ['two heads', withHead(plain, { ...linear('fc', 512, 10), ...linear('head', 512, 7) }), /fc\.weight; head\.weight/],
    ['another width', withHead(plain, linear('classifier', 128, 10)), /not one Linear .*: classifier\.weight/],
    ['a batch norm', withHead(plain, { ...linear('fc.1', 512, 10), 'fc.0.running_mean': [512] }), /: fc\.1\.weight/],
    [
      'fastai',
      new Map([
        ...prefixed(children(without(plain, /^fc\./)), '0.'),
        ...Object.entries({ '1.2.weight': [1024], ...linear('1.4', 1024, 512), '1.8.weight': [10, 512] }),
      ]),
      /: 1\.4\.weight; 1\.8\.weight/,
    ],
  ];

  test.each(cases)('%s: refused by name, but features need none', async (_name, tensors, message) => {
    expect(await refusal(tensors)).toMatch(message);
    expect(await refusal(tensors, { head: 'optional' })).toMatch(message);
    const unused = await plan(tensors, { head: 'unused' });
    expect(unused).toMatchObject({ layers: 18, headless: true, warnings: [expect.stringMatching(/not loaded: /)] });
    const replaced = await plan(tensors, { numClasses: 33 });
    expect(replaced).toMatchObject({ numClasses: 33, headless: true });
    expect(replaced.warnings.at(-1)).toMatch(/a new one for 33 classes is drawn/);
  });

  test('the number of classes of the head in the file does not replace it by an untrained one', async () => {
    expect(await refusal(mlp, { numClasses: 128 })).toMatch(/^ERR_WEIGHTS_MISMATCH .*fc\.0\.weight; fc\.2\.weight/);
  });
});

describe('self-supervised networks: two of them, without a head', () => {
  const backbone = without(shapes(50), /^fc\./);
  const projected = (prefix: string): Shapes =>
    new Map([
      ...prefixed(backbone, prefix),
      ...Object.entries({ ...linear(`${prefix}fc.0`, 2048, 2048), ...linear(`${prefix}fc.2`, 2048, 128) }),
    ]);
  const cases: [string, Shapes, string, string][] = [
    [
      'MoCo',
      new Map([...projected('module.encoder_q.'), ...projected('module.encoder_k.'), ['module.queue', [128, 65]]]),
      ...(['module.encoder_q.', 'module.encoder_k.'] as const),
    ],
    [
      'MoCo v3',
      new Map([...projected('base_encoder.'), ...projected('momentum_encoder.'), ['predictor.0.weight', [4, 2]]]),
      ...(['base_encoder.', 'momentum_encoder.'] as const),
    ],
    [
      'BYOL',
      new Map([...prefixed(backbone, 'online.net.'), ...prefixed(backbone, 'target.net.')]),
      ...(['online.net.', 'target.net.'] as const),
    ],
    ['an average below the network', new Map([...backbone, ...prefixed(backbone, 'ema.')]), '', 'ema.'],
  ];

  test.each(cases)('%s', async (_name, tensors, first, second) => {
    expect(await refusal(tensors)).toMatch(new RegExp(`^ERR_WEIGHTS_MISMATCH .*"${first}" and "${second}".*--prefix`));
    for (const prefix of [first, second, second.replace(/\.$/, '')]) {
      const chosen = await plan(tensors, { prefix, head: 'unused' });
      expect([chosen.layers, chosen.headless]).toEqual([50, true]);
      expect(chosen.tensors).toHaveLength(backbone.size);
    }
  });

  test('SimCLR and SimSiam: one of them, with layers of its own beside it', async () => {
    const tensors = new Map([...projected('module.encoder.'), ['module.predictor.0.weight', [512, 2048]] as const]);
    const { warnings } = await plan(tensors, { numClasses: 5 });
    expect(warnings).toEqual([
      expect.stringMatching(/5 tensors beside .*module\.predictor\.0\.weight; module\.encoder\.fc\.0\.weight/),
      expect.stringMatching(/a new one for 5 classes/),
    ]);
  });
});

test('foreign tensors beside the network are named; within it they are unexpected', async () => {
  const more = new Map([
    ...prefixed(shapes(18), 'model.'),
    ['criterion.weight', [10]] as const,
    ['acc.total', []] as const,
  ]);
  expect((await plan(more)).warnings).toEqual([
    expect.stringMatching(/has 2 tensors beside the network that are not loaded: criterion\.weight; acc\.total\.$/),
  ]);
  more.set('model.extra', [1]);
  expect(await refusal(more)).toMatch(/^ERR_WEIGHTS_MISMATCH .*1 tensor: unexpected extra/);
});

test.each<[string, Shapes, RegExp]>([
  ['a missing tensor under a prefix', without(prefixed(shapes(18), 'net.'), /bn1\.weight$/), /missing bn1\.weight/],
  [
    'another network under a prefix',
    new Map([...prefixed(shapes(18), 'net.'), ['net.layer1.0.se.fc1.weight', [4, 4]]]),
    /^ERR_UNSUPPORTED_MODEL .*SE-ResNet/,
  ],
  [
    'one input channel',
    new Map([...shapes(18), ['conv1.weight', [64, 1, 7, 7]]]),
    /pictures have 1 channel instead of 3/,
  ],
  [
    'four input channels, under a prefix',
    prefixed(new Map([...shapes(50), ['conv1.weight', [64, 4, 7, 7]]]), 'backbone.'),
    /^ERR_UNSUPPORTED_MODEL .*pictures have 4 channels instead of 3, with conv1\.weight of shape \[64, 4, 7, 7\]/,
  ],
  ['a stem for CIFAR', new Map([...shapes(18), ['conv1.weight', [64, 3, 3, 3]]]), /CIFAR \(.*3x3, with no pooling/],
  ['a stem for MNIST', new Map([...shapes(18), ['conv1.weight', [64, 1, 3, 3]]]), /CIFAR/],
  [
    'a segmentation, whose backbone is dilated',
    new Map([...prefixed(without(shapes(50), /^fc/), 'backbone.'), ['classifier.0.weight', [512, 2048, 3, 3]]]),
    /^ERR_UNSUPPORTED_MODEL .*detector or a segmentation, with classifier\.0\.weight.*--prefix/,
  ],
  [
    'a detector',
    new Map([...prefixed(without(shapes(50), /^fc/), 'backbone.body.'), ['rpn.head.conv.weight', [1, 1, 1, 1]]]),
    /^ERR_UNSUPPORTED_MODEL .*with rpn\.head\.conv\.weight/,
  ],
])('%s: the message says what it is', async (_name, tensors, message) => {
  expect(await refusal(tensors)).toMatch(message);
});

test('a Git LFS pointer, whatever its name', async () => {
  const pointer = Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 102530333\n');
  for (const name of ['a.pth', 'a.safetensors', 'a.pdparams', 'a.bin']) {
    await expect(ResNet.load(written(folder, name, pointer))).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED_FORMAT',
      message: expect.stringMatching(/is a Git LFS pointer .*`git lfs pull`/),
    });
  }
});
