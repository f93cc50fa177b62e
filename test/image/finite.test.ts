import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { ImageClassifier } from '../../lib/image/classifier';
import { featuresOf } from '../../lib/image/features';
import { checkFinite } from '../../lib/image/finite';
import { classifyToLines } from '../../lib/job/lines';
import { ResNet } from '../../lib/resnet';
import { Tensor } from '../../lib/tensor';
import { fixture } from './pictures';
import { temporaryFolder } from '../support/files';
import { root, run, type Ended } from '../support/node';

const folder = temporaryFolder();
const small = fixture('small.png');
const [broken, infiniteBias] = ['broken', 'infinite'].map((name) => join(folder, `${name}.safetensors`)) as [
  string,
  string,
];

/** Saves a network with other values in some of its tensors. */
async function save(path: string, changes: Record<string, (values: Float32Array) => void>): Promise<void> {
  using net = new ResNet(18, 3, { seed: 1 });
  const state = net.stateDict();
  for (const [name, change] of Object.entries(changes)) {
    const { data, shape } = state.get(name)!;
    change(data as Float32Array);
    state.set(name, new Tensor(data, shape));
  }
  net.loadStateDict(state);
  await net.save(path);
}

let classifier: ImageClassifier;
beforeAll(async () => {
  await save(broken, { 'fc.bias': (values) => values.fill(NaN, 1, 2) });
  await save(infiniteBias, { 'fc.bias': (values) => values.fill(Infinity) });
  classifier = await ImageClassifier.create({ weights: broken });
});
afterAll(() => classifier.dispose());

const NOT_FINITE = {
  code: 'ERR_NOT_FINITE',
  message: expect.stringMatching(/^image.*small\.png.*weights may be broken/),
};

test('classify: an error of each picture', async () => {
  await expect(classifier.classify(small)).rejects.toMatchObject(NOT_FINITE);
  await expect(classifier.classify([small, small])).rejects.toMatchObject(NOT_FINITE);
  const errors: [string, number][] = [];
  const onError = ({ code }: { code: string }, index: number): void => void errors.push([code, index]);
  expect(await classifier.classify([small, 'missing.png', small], { onError })).toEqual([[], [], []]);
  expect(errors.sort(([, a], [, b]) => a - b)).toEqual([
    ['ERR_NOT_FINITE', 0],
    ['ERR_FILE', 1],
    ['ERR_NOT_FINITE', 2],
  ]);
  await expect(classifier.classify([small].values()).next()).rejects.toMatchObject(NOT_FINITE);
  using infinite = await ImageClassifier.create({ weights: infiniteBias });
  await expect(infinite.classify(small)).rejects.toMatchObject({ code: 'ERR_NOT_FINITE' });
});

test('explain: an error, whatever the class', async () => {
  await expect(classifier.explain(small)).rejects.toMatchObject({ code: 'ERR_NOT_FINITE' });
  await expect(classifier.explain(small, { class: 0 })).rejects.toMatchObject({ code: 'ERR_NOT_FINITE' });
});

test('features: an error of each picture', async () => {
  const internals = ImageClassifier.internals(classifier);
  const features = new Float32Array(512).fill(1).fill(NaN, 511);
  const network = { ...internals.network, forwardFeatures: () => Promise.resolve(new Tensor(features, [1, 512])) };
  const errors: object[] = [];
  for await (const row of featuresOf({ ...internals, network: network as never }, [small], (error) =>
    errors.push(error),
  )) {
    expect(row).toBeUndefined();
  }
  expect(errors).toMatchObject([{ code: 'ERR_NOT_FINITE' }]);
});

test('a job: a line with the error', async () => {
  const { signal } = new AbortController();
  const lines = classifyToLines(
    [small],
    (path) => path,
    (paths, options) => classifier.classify(paths, options),
    signal,
  );
  const { value } = await lines.next();
  expect(JSON.parse(value as string)).toEqual({
    picture: small,
    error: expect.stringMatching(/^a picture must lead to finite values/),
    code: 'ERR_NOT_FINITE',
  });
});

describe('commands', () => {
  const resnet = (...args: string[]): Promise<Ended> =>
    run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...args, '--weights', broken]);

  test.each([
    ['text', ''],
    ['json', '[]\n'],
    ['csv', 'image,rank,label,index,score\n'],
  ])('classify --format %s prints nothing of such a picture', async (format, expected) => {
    const { code, stdout, stderr } = await resnet('classify', small, '--format', format);
    expect({ code, stdout }).toEqual({ code: 1, stdout: expected });
    expect(stderr).toMatch(/resnet: a picture must lead to finite values.*NaN of ".*small\.png"/);
  });

  test('explain draws nothing', async () => {
    const { code, stdout, stderr } = await resnet('explain', small, '-o', join(folder, 'heat.png'));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/finite/);
    expect(() => readFileSync(join(folder, 'heat.png'))).toThrow('ENOENT');
  });
});

test.each([NaN, Infinity, -Infinity])('%p anywhere is found', (value) => {
  for (const at of [0, 3, 6]) {
    const values = Float32Array.from({ length: 7 }, (_, i) => (i === at ? value : i));
    expect(() => checkFinite(values, 'image', 'it')).toThrow(expect.objectContaining({ code: 'ERR_NOT_FINITE' }));
  }
  expect(() => checkFinite(Float32Array.of(0, 3e38), 'image', 'it')).not.toThrow();
});
