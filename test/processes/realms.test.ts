import { createContext, runInContext } from 'node:vm';
import { BasicBlock, ResNet, Tensor } from '../../lib/index';
import { ResNetClient } from '../../lib/client/index';

/** A value that JavaScript of another realm has made: its arrays are of other constructors than ours. */
const foreign = (source: string): unknown => runInContext(source, createContext({}));

const block = (): BasicBlock => new BasicBlock(1, 2, 1, { seed: 1 });
const values = [1, -2, 0.5, 3];
const expected = block().forwardSync(new Tensor(values, [1, 1, 2, 2])).data;

/** The package once more, as a test runner that resets its modules or a bundler has it. */
function anotherCopy(): typeof import('../../lib/index') {
  let copy: typeof import('../../lib/index') | undefined;
  jest.isolateModules(() => {
    copy = jest.requireActual('../../lib/index');
  });
  return copy!;
}

test.each([
  ['float32', 'Float32Array.of(1, -2, 0.5, 3)', undefined],
  ['float64', 'Float64Array.of(1, -2, 0.5, 3)', undefined],
  ['float16', 'Uint16Array.of(0x3c00, 0xc000, 0x3800, 0x4200)', 'float16'],
  ['bfloat16', 'Uint16Array.of(0x3f80, 0xc000, 0x3f00, 0x4040)', 'bfloat16'],
  ['plain numbers', '[1, -2, 0.5, 3]', undefined],
  ['shared memory', '{ const a = new Float32Array(new SharedArrayBuffer(16)); a.set([1, -2, 0.5, 3]); a; }', undefined],
] as const)('an array of another realm, %s, is a tensor as any other', async (_, source, dtype) => {
  const x = new Tensor(foreign(source) as Float32Array, foreign('[1, 1, 2, 2]') as number[], dtype);
  expect([...x.toFloat32()]).toEqual(values);
  expect((await block().forward(x)).data).toEqual(expected);
});

test('a detached buffer of another realm is an error with a code', () => {
  const x = new Tensor(foreign('globalThis.a = new Float32Array(4)') as Float32Array, [1, 1, 2, 2]);
  structuredClone(x.data.buffer, { transfer: [x.data.buffer as ArrayBuffer] });
  expect(() => block().forwardSync(x)).toThrow(expect.objectContaining({ code: 'ERR_SHAPE' }));
});

test("options and a state dict's Map of another realm", () => {
  const source = new BasicBlock(1, 2, 1, { seed: 9 });
  const map = foreign('new Map()') as Map<string, Tensor>;
  for (const [name, tensor] of source.stateDict()) map.set(name, tensor);
  const net = new BasicBlock(1, 2, 1, foreign('({ seed: 1 })') as { seed: number });
  expect(net.forwardSync(new Tensor(values, [1, 1, 2, 2])).data).toEqual(expected);
  expect(net.loadStateDict(map, foreign('({ strict: true })') as object).missing).toEqual([]);
  expect(net.stateDict()).toEqual(source.stateDict());
});

describe('a Tensor of another copy of the package', () => {
  const x = (): Tensor => {
    const { Tensor: Another } = anotherCopy();
    expect(Another).not.toBe(Tensor);
    return new Another(values, [1, 1, 2, 2]);
  };

  test('is run and loaded', async () => {
    expect((await block().forward(x())).data).toEqual(expected);
    const { BasicBlock: Another } = anotherCopy();
    const [net, source] = [block(), new Another(1, 2, 1, { seed: 5 })];
    net.loadStateDict(source.stateDict());
    expect([...net.stateDict().values()].map(({ data }) => data)).toEqual(
      [...source.stateDict().values()].map(({ data }) => data),
    );
  });

  test('is run by an optimized network', async () => {
    using net = new ResNet(18, 10, { seed: 1 });
    using fast = await net.optimize();
    const { Tensor: Another } = anotherCopy();
    const data = new Float32Array(3 * 32 * 32).fill(0.25);
    expect((await fast.forward(new Another(data, [1, 3, 32, 32]))).data).toEqual(
      (await fast.forward(new Tensor(data, [1, 3, 32, 32]))).data,
    );
  });

  test('is sent by a client', async () => {
    const client = new ResNetClient('http://127.0.0.1:1', { model: 'any', retries: 0 });
    await expect(client.infer(x())).rejects.toMatchObject({ code: 'ERR_SERVER' }); // and not ERR_DTYPE
  });
});
