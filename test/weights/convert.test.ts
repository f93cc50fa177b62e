import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { BasicBlock, readWeights, ResNet, Tensor } from '../../lib/index';
import { articleSpec } from '../../lib/weights/names/article';
import { convertFile } from '../../lib/weights/convert-file';
import { namesIn, type Naming, type WrittenNaming } from '../../lib/weights/names/namings';
import { openWeights } from '../../lib/weights/formats/open';
import { saveSafetensors } from '../../lib/weights/formats/save-safetensors';
import { temporaryFolder } from '../support/files';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, `${name}.safetensors`);
const bytes = (path: string): Buffer => readFileSync(path);

type Half = 'float16' | 'bfloat16';

/** Arbitrary bits, with all kinds of NaN: renaming must not change them. */
const BITS = new Uint16Array(new Uint8Array(randomBytes(2 ** 17)).buffer);

/** Copies values, because in jest a loop over all of a network's values takes seconds. */
function repeated<T extends Uint16Array | Float32Array | Float64Array>(pattern: T, size: number, start: number): T {
  const out = new (pattern.constructor as new (size: number) => T)(size);
  for (let filled = 0, from = start % pattern.length; filled < size; from = 0) {
    const part = pattern.subarray(from, from + size - filled);
    out.set(part, filled);
    filled += part.length;
  }
  return out;
}

/** A ResNet-18 or -50 with arbitrary bits as values, in a naming. */
function network(layers: 18 | 50, naming: Naming, dtype: Half, counters: boolean, classes = 5): Map<string, Tensor> {
  const paddle = naming.startsWith('paddle');
  const spec = articleSpec(layers, classes);
  const names = namesIn(
    naming,
    spec.map(({ name }) => name),
  );
  const tensors = spec.map(({ name, shape }, i): [string, Tensor] => {
    if (name.endsWith('num_batches_tracked')) return [names[i]!, new Tensor(BigInt64Array.of(BigInt(i)), [])];
    const turned = paddle && name === 'fc.weight' ? [...shape].reverse() : shape;
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    return [names[i]!, new Tensor(repeated(BITS, size, 997 * i), turned, dtype)];
  });
  return new Map(tensors.filter(([name]) => counters || !name.endsWith('num_batches_tracked')));
}

const WRITTEN = ['torchvision', 'huggingface', 'article'] as const;
const pairs = WRITTEN.flatMap((from) => WRITTEN.filter((to) => to !== from).map((to) => [from, to] as const));

test.each(pairs)('from %s to %s and back gives the same file, for any values', async (from, to) => {
  const metadata = { format: 'pt', note: 'ä "quoted"', 7: 'seven' };
  for (const counters of [true, false]) {
    const dtype = counters ? 'bfloat16' : 'float16';
    await saveSafetensors(at('a'), network(18, from, dtype, counters), metadata);
    const told = await convertFile(at('a'), at('b'), { naming: to, force: true });
    expect(told).toEqual({ layers: 18, numClasses: 5, naming: from, tensors: counters ? 122 : 102 });
    expect(bytes(at('b')).equals(bytes(at('a')))).toBe(false);
    expect((await openWeights(at('b'))).metadata).toEqual(metadata);
    await convertFile(at('b'), at('c'), { naming: from, force: true });
    expect(bytes(at('c')).equals(bytes(at('a')))).toBe(true);
  }
});

test("a ResNet-50 gets the names that the others' files have", async () => {
  const published = require('../fixtures/weights/names.json') as Record<string, Record<string, number[]>>;
  await saveSafetensors(at('fifty'), network(50, 'article', 'bfloat16', true, 1000));
  for (const naming of ['torchvision', 'huggingface'] as const) {
    await convertFile(at('fifty'), at(naming), { naming });
    const { entries, metadata } = await openWeights(at(naming));
    expect(metadata).toEqual({});
    expect(Object.fromEntries(entries.map(({ name, shape }) => [name, shape]))).toEqual(
      published[`${naming} resnet50`],
    );
  }
});

test.each(['paddle', 'paddle.vision'] as const)(
  "%s's names are read, its head turned, no counters made up",
  async (naming) => {
    const source = network(18, naming, 'float16', false, 512);
    await saveSafetensors(at(naming), source);
    expect(await convertFile(at(naming), at(`${naming}.out`))).toMatchObject({ naming, numClasses: 512, tensors: 102 });
    const read = await readWeights(at(`${naming}.out`));
    const [head, own] = [read.get('fc.weight')!, source.get('fc.weight')!];
    expect(own.data[1]).not.toBe(own.data[512]);
    expect([head.data[512], head.data[1]]).toEqual([own.data[1], own.data[512]]);
    expect(read.get('layer1.0.bn1.running_mean')).toEqual(
      source.get(naming === 'paddle' ? 'residual_block.0.conv_bn_block1.1._mean' : 'layer1.0.bn1._mean'),
    );
  },
);

describe('dtypes', () => {
  const values = [1, -0, 1e-8, 65504, 1e9, NaN, Infinity, 3.14159265358979];
  const given = (make: 'float32' | 'float64'): Map<string, Tensor> => {
    const pattern = make === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
    return new Map(
      [...network(18, 'torchvision', 'float16', true)].map(([name, tensor]) => [
        name,
        tensor.dtype === 'int64' ? tensor : new Tensor(repeated(pattern, tensor.size, 0), tensor.shape),
      ]),
    );
  };

  test.each(['float32', 'float64'] as const)('of %s: kept, or converted, counters never', async (make) => {
    await saveSafetensors(at(make), given(make));
    await convertFile(at(make), at('kept'), { force: true });
    expect(bytes(at('kept')).equals(bytes(at(make)))).toBe(true);
    for (const dtype of ['float32', 'float16', 'bfloat16'] as const) {
      await convertFile(at(make), at(dtype), { dtype, force: true });
      const read = await readWeights(at(dtype));
      expect(
        new Set([...read].map(([name, { dtype: one }]) => `${name.includes('num_') ? 'counter ' : ''}${one}`)),
      ).toEqual(new Set([dtype, 'counter int64']));
      const got = read.get('bn1.weight')!.toFloat32();
      values.forEach((value, i) => {
        const error = Number.isFinite(got[i]!) ? Math.abs(got[i]! - value) / (Math.abs(value) || 1) : got[i];
        if (Math.abs(value) === 1e-8 && dtype === 'float16') expect(Math.abs(got[i]!)).toBeLessThan(1e-7);
        else if (value === 1e9 && dtype === 'float16') expect(got[i]).toBe(Infinity);
        else if (Number.isFinite(value)) expect(error).toBeLessThan(2 ** -8);
        else expect(got[i]).toBe(value);
      });
    }
  });

  test('half precision converted to float32 and back gives the same bytes', async () => {
    const source = new Map(
      [...network(18, 'torchvision', 'bfloat16', true)].map(([name, tensor]): [string, Tensor] => {
        // No signaling NaNs, since any arithmetic makes them quiet.
        if (tensor.dtype === 'int64') return [name, tensor];
        const data = (tensor.data as Uint16Array).map((one) => ((one & 0x7f80) === 0x7f80 ? one & 0xff80 : one));
        return [name, new Tensor(data, tensor.shape, 'bfloat16')];
      }),
    );
    await saveSafetensors(at('h'), source);
    await convertFile(at('h'), at('w'), { dtype: 'float32' });
    await convertFile(at('w'), at('h2'), { dtype: 'bfloat16' });
    expect(bytes(at('h2')).equals(bytes(at('h')))).toBe(true);
  });
});

test('converted files load in the other dtypes and namings, and give the same outputs', async () => {
  using net = new ResNet(18, 3, { seed: 9 });
  await net.save(at('net'), { metadata: { note: 'kept' } });
  await convertFile(at('net'), at('net.hf'), { naming: 'huggingface', metadata: { more: 'ours' } });
  expect((await openWeights(at('net.hf'))).metadata).toEqual({ note: 'kept', more: 'ours' });
  using loaded = await ResNet.load(at('net.hf'));
  const x = new Tensor(new Float32Array(3 * 32 * 32).fill(0.5), [1, 3, 32, 32]);
  expect((await loaded.forward(x)).data).toEqual((await net.forward(x)).data);
});

test('shards convert to the same file as a single file does', async () => {
  const whole = network(18, 'huggingface', 'bfloat16', true);
  const path = join(folder, 'sharded');
  mkdirSync(path);
  const parts = [[...whole].slice(0, 50), [...whole].slice(50)];
  for (const [i, part] of parts.entries()) await saveSafetensors(join(path, `${i}.safetensors`), new Map(part));
  const map = Object.fromEntries(parts.flatMap((part, i) => part.map(([name]) => [name, `${i}.safetensors`])));
  writeFileSync(join(path, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
  await convertFile(path, at('joined'), { naming: 'huggingface' });
  await saveSafetensors(at('whole'), whole);
  expect(bytes(at('joined')).equals(bytes(at('whole')))).toBe(true);
});

test('an existing file is only replaced with force, even if it is the input', async () => {
  await saveSafetensors(at('own'), network(18, 'torchvision', 'float16', true));
  const before = bytes(at('own'));
  await expect(convertFile(at('own'), at('own'))).rejects.toMatchObject({
    code: 'ERR_FILE',
    message: expect.stringMatching(/own\.safetensors: it is there already; force \(--force\) replaces it\.$/),
  });
  expect(bytes(at('own')).equals(before)).toBe(true);
  await convertFile(at('own'), at('own'), { naming: 'article', force: true });
  await convertFile(at('own'), at('own'), { force: true });
  expect(bytes(at('own')).equals(before)).toBe(true);
});

describe('a failed conversion leaves no file', () => {
  const good = at('good');
  beforeAll(() => saveSafetensors(good, network(18, 'torchvision', 'float16', true)));

  test.each<[string, () => Promise<unknown>, string, RegExp]>([
    [
      'another format',
      () => convertFile(good, join(folder, 'x.pth')),
      'ERR_ARGUMENT',
      /^output must be a path that ends in/,
    ],
    ['a naming', () => convertFile(good, at('x'), { naming: 'paddle' as WrittenNaming }), 'ERR_ARGUMENT', /^naming/],
    ['a dtype', () => convertFile(good, at('x'), { dtype: 'int8' as Half }), 'ERR_DTYPE', /^dtype/],
    ['metadata', () => convertFile(good, at('x'), { metadata: { a: 1 } as never }), 'ERR_ARGUMENT', /^metadata/],
    ['no input', () => convertFile(at('none'), at('x')), 'ERR_FILE', /none/],
    ['no folder', () => convertFile(good, join(folder, 'no', 'x.safetensors')), 'ERR_FILE', /^Cannot write/],
  ])('%s', async (_, convert, code, message) => {
    const before = readdirSync(folder);
    await expect(convert()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(readdirSync(folder)).toEqual(before);
  });

  test("weights that are no ResNet's, or lack a tensor", async () => {
    const state = network(18, 'torchvision', 'float16', true);
    state.delete('bn1.weight');
    await saveSafetensors(at('lacking'), state);
    await expect(convertFile(at('lacking'), at('x'))).rejects.toMatchObject({ code: 'ERR_WEIGHTS_MISMATCH' });
    await saveSafetensors(at('block'), new BasicBlock(4, 4, 1).stateDict());
    await expect(convertFile(at('block'), at('x'))).rejects.toMatchObject({ code: 'ERR_WEIGHTS_MISMATCH' });
    await saveSafetensors(
      at('se'),
      network(18, 'torchvision', 'float16', true).set('layer1.0.se.fc1.weight', new Tensor([1], [1])),
    );
    await expect(convertFile(at('se'), at('x'))).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED_MODEL' });
  });

  test('rejects a network that only its config tells from a plain ResNet, since the converted file would not', async () => {
    const path = join(folder, 'v1');
    mkdirSync(path);
    await saveSafetensors(join(path, 'model.safetensors'), network(50, 'huggingface', 'float16', true));
    writeFileSync(join(path, 'config.json'), JSON.stringify({ model_type: 'resnet', downsample_in_bottleneck: true }));
    await expect(convertFile(path, at('x'))).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED_MODEL' });
  });
});

test("the layout is that of the format's reference implementation", async () => {
  for (const name of ['basic_8_16_s2', 'basic_8_16_s2.bf16', 'bottleneck_16_32_s1']) {
    const theirs = join(__dirname, '../fixtures/weights', `${name}.safetensors`);
    const { metadata } = await openWeights(theirs);
    await saveSafetensors(at('ours'), await readWeights(theirs), metadata);
    expect(bytes(at('ours')).equals(bytes(theirs))).toBe(true);
  }
});

test('metadata is copied, whatever its text', async () => {
  const state = network(18, 'torchvision', 'float16', false);
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })),
      async (metadata) => {
        await saveSafetensors(at('meta'), state, metadata);
        await convertFile(at('meta'), at('meta2'), { force: true });
        expect(bytes(at('meta2')).equals(bytes(at('meta')))).toBe(true);
      },
    ),
    { numRuns: 10, seed: 1 },
  );
}, 60_000);
