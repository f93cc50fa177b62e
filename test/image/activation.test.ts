import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ImageClassifier } from '../../lib/image/classifier';
import { ResNet } from '../../lib/resnet';
import { loadModel } from '../../lib/serve/model';
import { fixture } from './pictures';
import { temporaryFolder } from '../support/files';
import { root, run } from '../support/node';

const folder = temporaryFolder();
const small = fixture('small.png');

/** A network of `classes` classes in a folder of its own, with a `config.json` where it has fields. */
async function saved(name: string, classes: number, config?: object): Promise<string> {
  mkdirSync(join(folder, name));
  const path = join(folder, name, 'model.safetensors');
  using net = new ResNet(18, classes, { seed: 1 });
  await net.save(path);
  const resnet = { model_type: 'resnet', layer_type: 'basic', depths: [2, 2, 2, 2], num_labels: classes };
  if (config !== undefined) writeFileSync(join(folder, name, 'config.json'), JSON.stringify({ ...resnet, ...config }));
  return path;
}

/** Scores by class, and the logits that softmax leaves up to a constant. */
async function scores(weights: string, options: object = {}): Promise<number[]> {
  using classifier = await ImageClassifier.create({ weights, ...options });
  const predictions = await classifier.classify(small, { topK: classifier.numClasses });
  const explained = await classifier.explain(small);
  expect(explained.score).toBeCloseTo(predictions[0]!.score, 5);
  return predictions.sort((a, b) => a.index - b.index).map(({ score }) => score);
}

const logit = (score: number): number => Math.log(score / (1 - score));

test('one class: its sigmoid, not 1', async () => {
  const [score, ...others] = await scores(await saved('one', 1));
  expect(others).toEqual([]);
  expect(score).toBeGreaterThan(0);
  expect(score).toBeLessThan(1);
  expect(await scores(await saved('one-single', 1, { problem_type: 'single_label_classification' }))).toEqual([1]);
});

test('problem_type beside the weights, and the option before it', async () => {
  const weights = await saved('many', 3, { problem_type: 'multi_label_classification' });
  const sigmoids = await scores(weights);
  const softmaxes = await scores(weights, { activation: 'softmax' });
  expect(softmaxes.reduce((a, b) => a + b)).toBeCloseTo(1, 10);
  expect(sigmoids.reduce((a, b) => a + b)).not.toBeCloseTo(1, 3);
  for (const i of [1, 2]) {
    const apart = Math.log(softmaxes[i]! / softmaxes[0]!);
    expect(logit(sigmoids[i]!) - logit(sigmoids[0]!)).toBeCloseTo(apart, 4);
  }
  const plain = await saved('plain', 3);
  expect(await scores(plain)).toEqual(softmaxes);
  expect(await scores(plain, { activation: 'sigmoid' })).toEqual(sigmoids);
});

test('the server and the command follow both', async () => {
  const weights = join(folder, 'many', 'model.safetensors');
  for (const [options, expected] of [
    [{}, 'sigmoid'],
    [{ activation: 'softmax' as const }, 'softmax'],
  ] as const) {
    const model = await loadModel({ weights, ...options });
    expect(model.activation).toBe(expected);
    model.network.dispose();
  }
  const classify = async (...args: string[]): Promise<number[]> => {
    const command = [join(root, 'dist', 'cli', 'main.js'), 'classify', small, '--weights', weights, '--format', 'json'];
    const { stdout } = await run(process.execPath, [...command, ...args]);
    const [{ predictions }] = JSON.parse(stdout) as [{ predictions: { score: number }[] }];
    return predictions.map(({ score }) => score);
  };
  const sum = (values: number[]): number => values.reduce((a, b) => a + b);
  expect(sum(await classify())).not.toBeCloseTo(1, 3);
  expect(sum(await classify('--activation', 'softmax'))).toBeCloseTo(1, 6);
});

test('another name is refused', async () => {
  const options = { weights: 'random:1', activation: 'relu' as never };
  await expect(ImageClassifier.create(options)).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: "activation must be 'softmax' or 'sigmoid', but got \"relu\".",
  });
});
