import { readWeights, ResNet, Tensor, type ResNetError } from '../../../lib/index';
import { digest } from '../../support/digest';
import { temporaryFolder, written } from '../../support/files';
import { array, asPaddle, pdparams, type ArrayOptions } from '../../support/paddle-files';
import { global, pickle, raw, reduce, tuple, type Pickled } from '../../support/pickle';
import { randomTensor } from '../../support/tensors';

const folder = temporaryFolder();
const file = (bytes: Uint8Array): string => written(folder, 'weights.pdparams', bytes);
const read = (bytes: Uint8Array): Promise<Map<string, Tensor>> => readWeights(file(bytes));
const bytesOf = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

// With 512 classes in a ResNet-18 and 2,048 in a ResNet-50, fc.weight is square, so its shape does not tell.
test.each([
  [18, 512, {}],
  [50, 2048, {}],
  [18, 7, { protocol: 2, core: 'numpy.core' }],
] as [18 | 50, number, ArrayOptions][])('ResNet-%i with %i classes, %j', async (layers, classes, options) => {
  const own = new ResNet(layers, classes, { seed: 3 });
  const loaded = await ResNet.load(file(pdparams(asPaddle(own.stateDict()), options)));
  expect([loaded.layers, loaded.numClasses]).toEqual([layers, classes]);
  expect(digest(loaded)).toBe(digest(own));
});

const state = new Map<string, Tensor>([
  ['conv.weight', randomTensor([20, 60, 2, 1])], // longer than texts that are kept in memory
  ['bn._mean', randomTensor([3])],
  ['half', new Tensor(new Uint16Array([1, 2, 65535]), [3], 'float16')],
  ['bfloat', new Tensor(new Uint16Array([1, 2, 65535]), [1, 3], 'bfloat16')],
  ['double', new Tensor(new Float64Array([NaN, -0.5]), [2])],
  ['count', new Tensor(new BigInt64Array([-5n]), [])],
]);

test.each([{ protocol: 2 }, { protocol: 3 }, { protocol: 4 }, { protocol: 4, core: 'numpy.core' }])(
  'arrays as %j',
  async (options) => {
    expect(await read(pdparams(state, options))).toEqual(state);
  },
);

test('arrays in Fortran order, big-endian, in a pair, in a checkpoint, and from a buffer', async () => {
  const values = bytesOf(1, 2, 3, 4, 5, 6);
  const swapped = Buffer.from(values).swap32();
  const buffer = reduce(
    global('numpy._core.numeric', '_frombuffer'),
    values,
    reduce(global('numpy', 'dtype'), '<f4', false, true),
    tuple(2, 3),
    'F',
  );
  const arrays = new Map<Pickled, Pickled>([
    ['f', array([2, 3], 'f4', values, { fortran: true })],
    ['b', array([2, 3], 'f4', swapped, { order: '>' })],
    ['pair', reduce(global('builtins', 'tuple'), tuple('conv2d_0.w_0', array([6], 'f4', values)))],
    ['buffer', buffer],
  ]);
  expect(
    await read(
      pickle(
        new Map<Pickled, Pickled>([
          ['epoch', 3],
          ['model', arrays],
        ]),
        4,
      ),
    ),
  ).toEqual(
    new Map([
      ['f', new Tensor([1, 3, 5, 2, 4, 6], [2, 3])],
      ['b', new Tensor([1, 2, 3, 4, 5, 6], [2, 3])],
      ['pair', new Tensor([1, 2, 3, 4, 5, 6], [6])],
      ['buffer', new Tensor([1, 3, 5, 2, 4, 6], [2, 3])],
    ]),
  );
});

test('the slices of a large array are joined', async () => {
  const table = new Map([
    [
      'w',
      new Map<Pickled, Pickled>([
        ['OriginShape', tuple(2, 2)],
        ['slices', ['w@@.0', 'w@@.1']],
      ]),
    ],
  ]);
  const root = (first: Pickled): Pickled =>
    new Map<Pickled, Pickled>([
      ['w@@.0', first],
      ['w@@.1', array([1], 'f4', bytesOf(4))],
      ['UnpackBigParamInfor@@', table],
    ]);
  const whole = root(array([3], 'f4', bytesOf(1, 2, 3)));
  for (const protocol of [2, 4]) {
    expect(await read(pickle(whole, protocol))).toEqual(new Map([['w', new Tensor([1, 2, 3, 4], [2, 2])]]));
  }
  await expect(read(pickle(root(array([2], 'f4', bytesOf(1, 2)))))).rejects.toMatchObject({
    code: 'ERR_WEIGHTS_FORMAT',
    message: expect.stringContaining('not the whole of its shape'),
  });
});

const one = (value: Pickled): Buffer => pickle(new Map([['w', value]]), 4);
test.each([
  ['bytes that are not the shape', one(array([3], 'f4', bytesOf(1))), /"w" of 12 bytes by its shape and 4 in the file/],
  ['more bytes than the shape', one(array([1], 'f4', bytesOf(1, 2))), /"w" of 4 bytes by its shape and 8 in the file/],
  ['a shape that overflows', one(array([2 ** 30, 2 ** 30], 'f4', bytesOf(1))), /"w" whose shape overflows/],
  ['a negative dimension', one(array([-1], 'f4', bytesOf(1))), /shape is not a list of non-negative integers/],
  ['a name twice', pickle(raw('}(X\x01\0\0\0aNX\x01\0\0\0aNu')), /names "a" twice/],
  ['bytes behind the pickle', Buffer.concat([one(1), Buffer.alloc(3)]), /3 bytes behind its pickle/],
  ['no arrays', one(1), /holds no state dict, but a dict of \["w"\]/],
])('refused: %s', async (_name, bytes, message) => {
  await expect(read(bytes)).rejects.toMatchObject({
    code: 'ERR_WEIGHTS_FORMAT',
    message: expect.stringMatching(message),
  });
});

test('protocol 2: a text with characters that are no bytes', async () => {
  const text = reduce(global('_codecs', 'encode'), '€'.repeat(2000), 'latin1') as unknown as Uint8Array;
  const error = await read(pickle(new Map([['w', array([3000], 'i1', text)]]))).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'ERR_WEIGHTS_FORMAT', message: expect.stringMatching(/"w".*does not unpack/) });
});

test('an array of objects can be listed, but not read', async () => {
  const error = (await read(one(array([1], 'O8', new Uint8Array(8)))).catch(
    (thrown: unknown) => thrown,
  )) as ResNetError;
  expect(error.code).toBe('ERR_UNSUPPORTED_DTYPE');
});
