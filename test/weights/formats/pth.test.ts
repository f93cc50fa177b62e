import fc from 'fast-check';
import { readWeights, ResNet, Tensor, type ResNetError } from '../../../lib/index';
import { namesIn } from '../../../lib/weights/names/namings';
import { openWeights } from '../../../lib/weights/formats/open';
import { digest } from '../../support/digest';
import { temporaryFolder, written } from '../../support/files';
import { build, global, persistent, pickle, raw, reduce, tuple, type Pickled } from '../../support/pickle';
import { randomTensor } from '../../support/tensors';
import { bytesOf, legacyPth, pth, rebuilt, zipPth, type PthOptions, type View } from '../../support/torch-files';
import { zip } from '../../support/zip';

const folder = temporaryFolder();
const file = (bytes: Uint8Array): string => written(folder, 'weights.pth', bytes);
const read = (bytes: Uint8Array): Promise<Map<string, Tensor>> => readWeights(file(bytes));

async function refusal(bytes: Uint8Array): Promise<string> {
  const error = await read(bytes).then(
    () => undefined,
    (thrown: unknown) => thrown as ResNetError,
  );
  return `${error?.code} ${error?.message}`;
}

/** A state dict under torchvision's names. */
function named(net: ResNet): Map<string, Tensor> {
  const state = net.stateDict();
  const names = namesIn('torchvision', [...state.keys()]);
  return new Map([...state.values()].map((tensor, i) => [names[i]!, tensor]));
}

const inside =
  (place: string) =>
  (dict: Pickled): Pickled =>
    new Map<Pickled, Pickled>([
      ['epoch', 3],
      ['best', 0.5],
      ['args', build(reduce(global('argparse', 'Namespace')), new Map([['lr', 0.1]]))],
      ['optimizer', new Map<Pickled, Pickled>([['state', new Map([[0, [1, 2n, null, 'x'.repeat(5000)]]])]])],
      [place, dict],
    ]);

describe("networks in files like PyTorch's load unchanged", () => {
  const [net18, net50] = [new ResNet(18, 7, { seed: 5 }), new ResNet(50, 3, { seed: 6 })];
  const cases: [string, ResNet, PthOptions][] = [
    ['ResNet-18, zip', net18, {}],
    ['ResNet-50, zip', net50, {}],
    ['ResNet-18, legacy', net18, { legacy: true }],
    ['ResNet-50, legacy', net50, { legacy: true }],
    ['ResNet-18, deflated', net18, { deflate: true }],
  ];

  test.each(cases)('%s', async (_name, net, options) => {
    const loaded = await ResNet.load(file(pth(named(net), options)));
    expect([loaded.layers, loaded.numClasses]).toEqual([net.layers, net.numClasses]);
    expect(digest(loaded)).toBe(digest(net));
  });
});

describe('the ways in which state dicts are wrapped', () => {
  const state = new Map([
    ['conv1.weight', randomTensor([2, 3, 1, 1])],
    ['bn1.num_batches_tracked', new Tensor(new BigInt64Array([3n]), [])],
  ]);
  const metadata = new Map([['_metadata', new Map([['', new Map([['version', 1]])]])]]);
  const cases: [string, PthOptions, string?][] = [
    ['zip64', { zip64: true }],
    ['protocol 4', { protocol: 4 }],
    ['no CRC-32', { crc: 0 }],
    ['an OrderedDict with metadata', { wrap: (dict) => build(dict, metadata) }],
    ...['state_dict', 'model', 'model_state_dict', 'net', 'model_ema'].map((place): [string, PthOptions] => [
      `within '${place}'`,
      { wrap: inside(place) },
    ]),
    ...['module.', '_orig_mod.', 'module._orig_mod.', '_orig_mod.module.', 'model.'].map(
      (prefix): [string, PthOptions, string] => [`prefixed by ${prefix}`, { wrap: inside('state_dict') }, prefix],
    ),
  ];

  test.each(cases)('%s', async (_name, options, prefix = '') => {
    const wrapped = new Map([...state].map(([name, tensor]) => [prefix + name, tensor]));
    expect(await read(pth(wrapped, options))).toEqual(state);
    if (options.protocol === undefined) expect(await read(pth(wrapped, { ...options, legacy: true }))).toEqual(state);
  });

  test('averaged weights are preferred to the last ones, and their counter is left out', async () => {
    const view: View = { key: '0', dtype: 'float32', count: 1, shape: [1], strides: [1] };
    const count: View = { key: '1', dtype: 'int64', count: 1, shape: [], strides: [] };
    const root = new Map<Pickled, Pickled>([
      ['model', new Map([['module.a', rebuilt({ ...view, key: '2' })]])],
      [
        'model_ema',
        new Map([
          ['n_averaged', rebuilt(count)],
          ['module.a', rebuilt(view)],
        ]),
      ],
    ]);
    const storages = [
      [view, bytesOf(new Tensor([2], [1]))],
      [count, new Uint8Array(8)],
      [{ ...view, key: '2' }, bytesOf(new Tensor([9], [1]))],
    ] as const;
    expect(await read(zipPth(root, storages))).toEqual(new Map([['a', new Tensor([2], [1])]]));
  });
});

describe('the ways in which tensors are laid out', () => {
  const numbers = Float32Array.from({ length: 24 }, (_, i) => i);
  const bytes = new Uint8Array(numbers.buffer);
  const base = { key: '0', dtype: 'float32', count: 24 } as const;
  const cases: [string, Omit<View, 'key' | 'dtype' | 'count'>, number[]][] = [
    ['a part', { offset: 3, shape: [2, 2], strides: [2, 1] }, [3, 4, 5, 6]],
    ['one value', { offset: 23, shape: [], strides: [] }, [23]],
    ['transposed', { shape: [3, 2], strides: [1, 3] }, [0, 3, 1, 4, 2, 5]],
    ['every other', { offset: 1, shape: [3], strides: [4] }, [1, 5, 9]],
    ['channels last', { shape: [1, 2, 2, 2], strides: [8, 1, 4, 2] }, [0, 2, 4, 6, 1, 3, 5, 7]],
    ['repeated', { offset: 5, shape: [3, 2], strides: [0, 1] }, [5, 6, 5, 6, 5, 6]],
    ['empty', { shape: [0, 3], strides: [3, 1] }, []],
    ['a stride that is never stepped along', { offset: 2, shape: [1, 2], strides: [99, 1] }, [2, 3]],
  ];
  const swapped = Buffer.from(bytes).swap32();

  test.each(cases)('%s', async (_name, place, values) => {
    const view = { ...base, ...place };
    // Two tensors of one storage.
    const root = (legacy: boolean): Pickled =>
      new Map([
        ['a', rebuilt(view, legacy)],
        ['b', rebuilt(view, legacy)],
      ]);
    const tensor = new Tensor(values, place.shape);
    const expected = new Map([
      ['a', tensor],
      ['b', tensor],
    ]);
    expect(await read(zipPth(root(false), [[view, bytes]]))).toEqual(expected);
    expect(await read(zipPth(root(false), [[view, bytes]], { deflate: true }))).toEqual(expected);
    expect(await read(zipPth(root(false), [[view, swapped]], { byteorder: 'big' }))).toEqual(expected);
    expect(await read(legacyPth(root(true), [[view, bytes]]))).toEqual(expected);
    expect(await read(legacyPth(root(true), [[view, swapped]], false))).toEqual(expected);
  });

  test('contiguous values are read in place', async () => {
    const packed = async (place: Omit<View, 'key' | 'dtype' | 'count'>, options = {}): Promise<boolean> => {
      const view = { ...base, ...place };
      const path = file(zipPth(new Map([['a', rebuilt(view)]]), [[view, bytes]], options));
      return (await openWeights(path)).entries[0]!.packing !== undefined;
    };
    const rows = { offset: 2, shape: [2, 3], strides: [3, 1] };
    expect(await packed(rows)).toBe(false);
    expect(await packed({ ...rows, shape: [1, 3], strides: [99, 1] })).toBe(false);
    expect(await packed({ ...rows, strides: [4, 1] })).toBe(true);
    expect(await packed(rows, { deflate: true })).toBe(true);
    expect(await packed(rows, { byteorder: 'big' })).toBe(true);
  });

  test('a parameter, and an untyped storage', async () => {
    const view: View = { ...base, shape: [2], strides: [1] };
    const parameter = reduce(global('torch._utils', '_rebuild_parameter'), rebuilt(view), true, new Map());
    expect(await read(zipPth(new Map([['a', parameter]]), [[view, bytes]]))).toEqual(
      new Map([['a', new Tensor([0, 1], [2])]]),
    );
    const id = tuple('storage', global('torch.storage', 'UntypedStorage'), '0', 'cpu', 96);
    const call = global('torch._utils', '_rebuild_tensor_v3');
    const untyped = reduce(call, persistent(id), 3, tuple(2), tuple(1), false, null, global('torch', 'float32'));
    expect(await read(zipPth(new Map([['a', untyped]]), [[view, bytes]]))).toEqual(
      new Map([['a', new Tensor([3, 4], [2])]]),
    );
  });

  test('of any dtype and shape, with NaN', async () => {
    const tensor = fc.oneof(
      fc.array(fc.float(), { maxLength: 9 }).map((values) => new Tensor(Float32Array.from(values), [values.length])),
      fc.array(fc.double(), { maxLength: 9 }).map((values) => new Tensor(Float64Array.from(values), [values.length])),
      fc.uint16Array({ maxLength: 7 }).map((bits) => new Tensor(bits, [1, bits.length], 'bfloat16')),
      fc.uint16Array({ maxLength: 7 }).map((bits) => new Tensor(bits, [bits.length, 1], 'float16')),
      fc.bigInt64Array({ minLength: 1, maxLength: 1 }).map((values) => new Tensor(values, [])),
      fc.int8Array({ maxLength: 5 }).map((values) => new Tensor(values, [values.length])),
    );
    const dict = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), tensor), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(dict, fc.boolean(), fc.boolean(), async (entries, legacy, deflate) => {
        // Prefixes of wrappers are removed, and __proto__ is a name like any other.
        const tensors = new Map<string, Tensor>([['__proto__', new Tensor([1], [1])], ...entries]);
        expect(await read(pth(tensors, { legacy, deflate }))).toEqual(tensors);
      }),
      { numRuns: 150 },
    );
    expect(({} as Record<string, unknown>)['0']).toBeUndefined();
  });
});

describe('files that are rejected', () => {
  const view: View = { key: '0', dtype: 'float32', count: 4, shape: [2, 2], strides: [2, 1] };
  const bytes = new Uint8Array(16);
  const one = (changes: Partial<View>, data = bytes): Buffer =>
    zipPth(new Map([['a', rebuilt({ ...view, ...changes })]]), [[view, data]]);
  const legacy = (changes: Partial<View>): Buffer =>
    legacyPth(new Map([['a', rebuilt({ ...view, ...changes }, true)]]), [[{ ...view, ...changes }, bytes]]);
  const dict = new Map([['a', rebuilt(view)]]);
  const archive = (records: [string, Uint8Array][]): Buffer => zip([['net/data.pkl', pickle(dict)], ...records]);

  const cases: [string, Buffer, RegExp][] = [
    [
      'a shape that overflows',
      one({ shape: [2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1], strides: [0, 0, 0] }),
      /"a" whose shape overflows/,
    ],
    ['a negative dimension', one({ shape: [-2, 2] }), /shape is not a list of non-negative integers/],
    ['a fraction', one({ shape: [1.5, 2] }), /shape is not a list/],
    ['a stride too few', one({ strides: [1] }), /more dimensions than strides/],
    ['a negative offset', one({ offset: -1 }), /offset is not a non-negative integer/],
    ['beyond the storage', one({ offset: 1 }), /"a" that reaches beyond its storage/],
    ['a stride beyond the storage', one({ strides: [3, 1] }), /reaches beyond its storage/],
    [
      'a storage too short',
      one({}, new Uint8Array(12)),
      /storage "0", of tensor "a", of 16 bytes by its type and 12 by the file/,
    ],
    ['a storage that is not there', one({ key: '7' }), /lacks "net\/data\/7"/],
    ['a key that leads elsewhere', one({ key: '../../x' }), /lacks "net\/data\/\.\.\/\.\.\/x"/],
    [
      'repeated without end',
      one({ shape: [2 ** 30], strides: [0] }),
      /unpacks to 42\d+: more than \d+ are not unpacked/,
    ],
    ['a name twice', zipPth(raw(`}(X\x01\0\0\0aNX\x01\0\0\0aNu`), []), /names "a" twice/],
    [
      'a record twice',
      archive([
        ['net/data/0', bytes],
        ['net/data/0', bytes],
      ]),
      /"net\/data\/0" twice/,
    ],
    [
      'no byte order',
      archive([
        ['net/data/0', bytes],
        ['net/byteorder', Buffer.from('middle')],
      ]),
      /byte order "middle"/,
    ],
    ['a CRC-32 that is another', zipPth(dict, [[view, bytes]], { crc: 7 }), /damaged data\.pkl/],
    ['no dict', zipPth([1], []), /holds no dict/],
    ['no state dict', zipPth(new Map([['epoch', 3]]), []), /holds no state dict, but a dict of \["epoch"\]/],
    [
      'no storage',
      zipPth(new Map([['a', reduce(global('torch._utils', '_rebuild_tensor_v2'), 1, 0, tuple(), tuple())]]), []),
      /without a storage/,
    ],
    [
      'a legacy storage of another length',
      legacyPth(new Map([['a', rebuilt(view, true)]]), [[{ ...view, count: 3 }, bytes]]),
      /3 elements where its tensors have 4/,
    ],
    ['a legacy storage that is cut', legacy({}).subarray(0, -1), /ends early/],
    ['bytes behind the legacy storages', Buffer.concat([legacy({}), bytes]), /16 bytes behind its last storage/],
    [
      'a legacy storage that nobody has',
      legacyPth(new Map(), [[view, bytes]]),
      /lists a storage "0" that no tensor has/,
    ],
  ];

  test.each(cases)('%s', async (_name, data, message) => {
    const text = await refusal(data);
    expect(text).toMatch(/^ERR_WEIGHTS_FORMAT .*weights\.pth is not a valid /);
    expect(text).toMatch(message);
  });

  test.each([
    ["a zip archive that is not PyTorch's", zip([['a.txt', bytes]]), /without a data\.pkl/],
    [
      'a first record in another folder, which is where PyTorch looks',
      zip([
        ['b/version', bytes],
        ['a/data.pkl', pickle(dict)],
        ['a/data/0', bytes],
      ]),
      /without a data\.pkl/,
    ],
    [
      'records in no folder',
      zip([
        ['data.pkl', pickle(dict)],
        ['data/0', bytes],
      ]),
      /without a data\.pkl/,
    ],
    ['a TorchScript program', archive([['net/constants.pkl', bytes]]), /TorchScript program.*state_dict\(\)/],
    [
      'the tar format',
      Buffer.concat([Buffer.from('sys_info'), Buffer.alloc(249), Buffer.from('ustar'), Buffer.alloc(250)]),
      /tar archive.*save it again/,
    ],
  ])('%s', async (_name, data, message) => {
    const text = await refusal(data);
    expect(text).toMatch(/^ERR_UNSUPPORTED_FORMAT /);
    expect(text).toMatch(message);
  });

  test('a damaged storage is found by its CRC-32, when read and when loaded into a network', async () => {
    const tensors = named(new ResNet(18, 2, { seed: 1 }));
    const whole = pth(tensors);
    const at = whole.indexOf(Buffer.from(bytesOf(tensors.get('layer1.0.conv1.weight')!)));
    whole[at + 5]! ^= 1;
    expect(await refusal(whole)).toMatch(/^ERR_WEIGHTS_FORMAT .*damaged: the CRC-32 of "net\/data\/\d+" is/);
    await expect(ResNet.load(file(whole))).rejects.toMatchObject({ code: 'ERR_WEIGHTS_FORMAT' });
  });

  test('an offset beyond the size of any file', async () => {
    const far = zipPth(dict, [[view, bytes]], { zip64: true });
    far.writeBigUInt64LE(2n ** 63n, far.lastIndexOf('PK\x06\x07') + 8);
    expect(await refusal(far)).toMatch(/^ERR_WEIGHTS_FORMAT .*zip archive.*refers to bytes outside of the file/);
  });

  test('a zip bomb: inflating stops at the size of the tensor', async () => {
    const data = Buffer.alloc(1 << 28);
    const before = process.memoryUsage().rss;
    // With the true size, and with the tensor's size.
    const large: View = { ...view, count: 1 << 26, shape: [1 << 26], strides: [1] };
    const bomb = zipPth(new Map([['a', rebuilt(large)]]), [[large, data]], { deflate: true });
    expect(bomb.length).toBeLessThan(300_000);
    expect(await refusal(bomb)).toMatch(/^ERR_WEIGHTS_FORMAT .*unpacks to/);
    const small = zip(
      [
        ['net/data.pkl', pickle(dict)],
        ['net/data/0', data],
      ],
      { deflate: true, size: 16, crc: 0 },
    );
    expect(await refusal(small)).toMatch(/^ERR_WEIGHTS_FORMAT .*"a" that does not unpack to its size/);
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  });
});
