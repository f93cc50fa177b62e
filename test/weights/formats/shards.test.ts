import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { ImageClassifier, readWeights, ResNet, ResNetError, Tensor } from '../../../lib/index';
import { openWeights } from '../../../lib/weights/formats/open';
import { saveSafetensors } from '../../../lib/weights/formats/save-safetensors';
import { temporaryFolder, written } from '../../support/files';

const folder = temporaryFolder();
const INDEX = 'model.safetensors.index.json';
let count = 0;
const newFolder = (): string => {
  const path = join(folder, String(count++));
  mkdirSync(path);
  return path;
};

const one = (value: number): Tensor => new Tensor([value], [1]);

/** A folder of shards with their index, laid out as by Hugging Face unless `weightMap` is given. */
async function sharded(
  shards: Record<string, Record<string, Tensor>>,
  weightMap: unknown = Object.fromEntries(
    Object.entries(shards).flatMap(([shard, tensors]) => Object.keys(tensors).map((name) => [name, shard])),
  ),
): Promise<string> {
  const path = newFolder();
  for (const [shard, tensors] of Object.entries(shards)) {
    await saveSafetensors(join(path, shard), new Map(Object.entries(tensors)), { format: 'pt', from: shard });
  }
  writeFileSync(join(path, INDEX), JSON.stringify({ metadata: { total_size: 8 }, weight_map: weightMap }));
  return path;
}

const AB = { 'a.safetensors': { x: one(1) }, 'b.safetensors': { y: one(2), z: one(3) } };

test.each([['the folder'], ['the index']])('tensors of several files, given the path of %s', async (by) => {
  const path = await sharded(AB);
  const read = await readWeights(by === 'the folder' ? path : join(path, INDEX));
  expect(Object.fromEntries(read)).toEqual({ x: one(1), y: one(2), z: one(3) });
  expect(await openWeights(path)).toMatchObject({
    format: 'safetensors',
    metadata: { format: 'pt', from: 'a.safetensors' },
  });
});

test("a ResNet in shards, one of them a link as in Hugging Face's cache", async () => {
  using net = new ResNet(18, 5, { seed: 2 });
  const state = [...net.stateDict()];
  const tensors = [state.slice(0, 40), state.slice(40, 90), state.slice(90)].map((part) => Object.fromEntries(part));
  const names = [1, 2, 3].map((i) => `model-0000${i}-of-00003.safetensors`);
  const path = await sharded(Object.fromEntries(names.map((name, i) => [name, tensors[i]!])));
  renameSync(join(path, names[1]!), join(folder, 'blob'));
  symlinkSync(join(folder, 'blob'), join(path, names[1]!));
  using loaded = await ResNet.load(path);
  expect([loaded.layers, loaded.numClasses]).toEqual([18, 5]);
  for (const [name, { data }] of loaded.stateDict()) {
    expect(Buffer.compare(Buffer.from(data.buffer), Buffer.from(net.stateDict().get(name)!.data.buffer))).toBe(0);
  }
}, 20_000);

test('in a folder, a single file is preferred to an index', async () => {
  const path = newFolder();
  await saveSafetensors(join(path, 'model.safetensors'), new Map([['x', one(1)]]));
  written(path, INDEX, Buffer.from('{}'));
  expect(await readWeights(path)).toEqual(new Map([['x', one(1)]]));
  expect((await openWeights(path)).path).toBe(join(path, 'model.safetensors'));
});

test('a classifier from a folder', async () => {
  const path = newFolder();
  using net = new ResNet(18, 2, { seed: 2 });
  await net.save(join(path, 'model.safetensors'), { naming: 'huggingface' });
  using classifier = await ImageClassifier.create({ weights: path });
  expect(classifier.numClasses).toBe(2);
});

test.each<[string, unknown, RegExp]>([
  ['a parent', { x: '../a.safetensors' }, /the plain name of a file beside it, but gives it "\.\.\/a/],
  ['an absolute path', { x: '/etc/passwd' }, /"\/etc\/passwd"/],
  ['a path of Windows', { x: '..\\a' }, /plain name/],
  ['two dots', { x: '..' }, /plain name/],
  ['no name', { x: '' }, /plain name/],
  ['a zero byte', { x: 'a\0b' }, /plain name/],
  ['itself', { x: INDEX }, /plain name/],
  ['a number', { x: 7 }, /but gives it 7\.$/],
  ['no tensors', {}, /names no tensor/],
  ['a list', ['a.safetensors'], /must have an object as its weight_map, but has \["a\.safetensors"\]/],
  ['null', null, /has no weight_map/],
  [
    'a tensor that its shard lacks',
    { x: 'a.safetensors', w: 'a.safetensors' },
    /has tensor "w" in a\.safetensors, where it is not/,
  ],
  ['a tensor of another shard', { x: 'b.safetensors', y: 'b.safetensors', z: 'b.safetensors' }, /has tensor "x" in b/],
  ['a tensor that it leaves out', { y: 'b.safetensors' }, /does not have tensor "z" in b\.safetensors, where it is/],
  ['too many shards', Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [i, `s${i}`])), /10001 files/],
])('an index is refused: %s', async (_, weightMap, message) => {
  const path = await sharded(AB, weightMap);
  await expect(readWeights(path)).rejects.toMatchObject({
    code: 'ERR_WEIGHTS_FORMAT',
    message: expect.stringMatching(message),
  });
});

test('the message names the shard that is missing or malformed', async () => {
  const path = await sharded(AB, { x: 'a.safetensors', w: 'c.safetensors' });
  const named = (code: string, pattern: RegExp): object => ({ code, message: expect.stringMatching(pattern) });
  await expect(readWeights(path)).rejects.toMatchObject(
    named('ERR_FILE', /^A shard of .*index\.json: Cannot read .*c\.safetensors: ENOENT/),
  );
  written(path, 'c.safetensors', Buffer.from('short'));
  await expect(readWeights(path)).rejects.toMatchObject(named('ERR_WEIGHTS_FORMAT', /c\.safetensors.*too short/));
});

test.each<[string, string, RegExp]>([
  ['no JSON', '{"weight_map"', /is no JSON/],
  ['no object', '[]', /holds \[\], no object/],
  ['a name twice', '{"weight_map":{"x":"a","x":"b"}}', /names "x" twice/],
  ['nested deeply', `${'['.repeat(1e6)}${']'.repeat(1e6)}`, /no object|is no JSON/],
])('a file that is no index: %s', async (_, text, message) => {
  const path = written(newFolder(), INDEX, Buffer.from(text));
  await expect(readWeights(path)).rejects.toMatchObject({
    code: 'ERR_WEIGHTS_FORMAT',
    message: expect.stringMatching(message),
  });
});

test('a folder without weights', async () => {
  await expect(readWeights(newFolder())).rejects.toMatchObject({
    code: 'ERR_FILE',
    message: expect.stringMatching(
      /it is a directory that has none of model\.safetensors, model\.safetensors\.index\.json/,
    ),
  });
});

test('any index is either read or rejected with a code', async () => {
  const path = await sharded(AB);
  const shard = fc.oneof(fc.constantFrom('a.safetensors', 'b.safetensors'), fc.string(), fc.jsonValue());
  const map = fc.dictionary(fc.oneof(fc.constantFrom('x', 'y', 'z', '__proto__'), fc.string()), shard);
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.record({ weight_map: map }), fc.jsonValue()), async (index) => {
      writeFileSync(join(path, INDEX), JSON.stringify(index));
      const read = await readWeights(path).catch((error: unknown) => error);
      if (read instanceof Map) expect([...read.keys()].length).toBeGreaterThan(0);
      else expect(read).toBeInstanceOf(ResNetError);
    }),
    { numRuns: 300, seed: 1 },
  );
});
