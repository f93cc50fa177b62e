import { Tensor, type DType, type ResNetError } from '../lib/index';

function refusal(data: unknown, shape: unknown, dtype?: unknown): string {
  try {
    new Tensor(data as never, shape as never, dtype as DType);
  } catch (error) {
    return `${(error as ResNetError).code} ${(error as ResNetError).message}`;
  }
  return 'made';
}

test('plain numbers are numbers, each of them', () => {
  expect(new Tensor([1, NaN], [2]).data).toEqual(Float32Array.of(1, NaN));
  for (const wrong of [1n, '1', null, undefined, Symbol('s'), Object.create(null)]) {
    expect(refusal([1, wrong], [2])).toMatch(/^ERR_ARGUMENT data\[1\] must be a number, but got /);
  }
  const sparse: number[] = [];
  sparse.length = 2 ** 32 - 1;
  expect(refusal(sparse, [1])).toBe('ERR_ARGUMENT data[0] must be a number, but got undefined.');
});

test('an array is what the engine says of it, whatever was defined on top', () => {
  const named = (tag: string): Float32Array =>
    Object.defineProperty(new Float32Array(2), Symbol.toStringTag, { value: tag });
  expect(new Tensor(named('constructor'), [2]).dtype).toBe('float32');
  expect(new Tensor(named('Int8Array'), [2]).dtype).toBe('float32');
  const long = Object.defineProperty(new Float32Array(2), 'length', { value: 2 ** 20 });
  expect(refusal(long, [2 ** 20])).toMatch(/^ERR_SHAPE data must hold 1048576 elements, .* but got 2\.$/);
  expect(new Tensor(long, [2]).size).toBe(2);
});

test('a shape is read once, and has as many dimensions as libtorch takes', () => {
  let looks = 0;
  const shape = Object.defineProperty([0], '0', { get: () => ++looks });
  expect(new Tensor([5], shape).shape).toEqual([1]);
  expect(new Tensor([5], new Array(64).fill(1)).shape).toHaveLength(64);
  expect(refusal([5], new Array(65).fill(1))).toMatch(/^ERR_SHAPE shape must be an array of at most 64 integers/);
  expect(refusal([5], { length: 1, 0: 1 })).toMatch(/^ERR_SHAPE shape must be an array/);
});

test('a dtype that has no text is refused like any other', () => {
  expect(refusal(new Float32Array(1), [1], Object.create(null))).toMatch(/^ERR_DTYPE dtype must be one of/);
});
