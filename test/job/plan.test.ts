import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ResNet } from '../../lib/index';
import { checkPreprocess } from '../../lib/image/preprocess';
import { PictureList } from '../../lib/job/list';
import { checkSame, planOf, type Plan, type PlanOptions } from '../../lib/job/plan';
import { temporaryFolder, written } from '../support/files';

const folder = temporaryFolder();
const classifier = {
  layers: 18 as const,
  numClasses: 3,
  dtype: 'float32' as const,
  labels: ['a', 'b', 'c'],
  activation: 'softmax' as 'softmax' | 'sigmoid',
  preprocess: checkPreprocess('timm'),
};
const options = { name: 'job', weights: 'random:1', calibration: undefined, topK: undefined, shardSize: 10 };

async function plan(changed: Partial<PlanOptions & typeof classifier> = {}): Promise<Plan> {
  const list = await PictureList.read(written(folder, 'list', Buffer.from('a\nb\n')), 10);
  return await planOf(list, { ...classifier, ...changed }, { ...options, ...changed });
}

test('contains everything that the output depends on', async () => {
  const first = await plan();
  expect(await plan()).toEqual(first);
  expect(first).toMatchObject({ name: 'job', pictures: 2, topK: 3, layers: 18, dtype: 'float32' });
  const changes: Partial<PlanOptions & typeof classifier>[] = [
    { name: 'other' },
    { weights: 'random:2' },
    { activation: 'sigmoid' },
    { weights: 'DEFAULT' },
    { calibration: 'pictures/' },
    { topK: 2 },
    { shardSize: 11 },
    { numClasses: 4 },
    { labels: ['a', 'c', 'b'] },
    { preprocess: checkPreprocess('huggingface') },
  ];
  const all = await Promise.all([{}, ...changes].map(plan));
  expect(new Set(all.map((one) => JSON.stringify(one))).size).toBe(changes.length + 1);
});

test('plans of one name must be equal; the error names what differs', () => {
  const one = { name: 'job', topK: 5 };
  expect(() => checkSame(one, { topK: 5, name: 'job' }, 'there')).not.toThrow();
  const mismatch = (message: RegExp): Error =>
    expect.objectContaining({ code: 'ERR_JOB_MISMATCH', message: expect.stringMatching(message) });
  expect(() => checkSame(one, { ...one, topK: 4 }, 'there')).toThrow(mismatch(/topK is 5 here and 4 in there/));
  expect(() => checkSame(one, { ...one, calibration: 'x' }, 'there')).toThrow(
    mismatch(/calibration is undefined here/),
  );
  expect(() => checkSame(one, { name: 'job' }, 'there')).toThrow(mismatch(/topK is 5 here and undefined in there/));
  expect(() => checkSame(one, null, 'there')).toThrow(mismatch(/name is "job" here/));
});

test('weights are identified by their content, not their path', async () => {
  const [one, moved, other] = ['one', 'moved', 'other'].map((name) => join(folder, `${name}.safetensors`)) as [
    string,
    string,
    string,
  ];
  using network = new ResNet(18, 3, { seed: 1 });
  await network.save(one);
  copyFileSync(one, moved);
  using another = new ResNet(18, 3, { seed: 2 });
  await another.save(other);
  const weightsOf = async (weights: string): Promise<unknown> => (await plan({ weights })).weights;
  expect(await weightsOf(moved)).toBe(await weightsOf(one));
  expect(await weightsOf(other)).not.toBe(await weightsOf(one));
  const calibration = join(folder, 'ranges.json');
  writeFileSync(calibration, '{}');
  const before = await plan({ calibration });
  writeFileSync(calibration, '{ }');
  expect((await plan({ calibration })).calibration).not.toBe(before.calibration);
});

test('topK above the number of classes', async () => {
  await expect(plan({ topK: 4 })).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: 'topK must be an integer from 1 to 3, but got 4.',
  });
});

test('random weights without a seed are rejected: they would differ between processes', async () => {
  await expect(plan({ weights: 'random' })).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringContaining('random:SEED'),
  });
});
