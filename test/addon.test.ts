import { addon, type NativeEntry, type NativeModule, type NativeResizeOptions } from '../lib/native/addon';
import { temporaryFolder, written } from './support/files';
import { runScript } from './support/node';

// What TypeScript has checked already is checked again: these calls go to C++ as they are.

const spec = { type: 'BasicBlock', inputChannels: 1, outputChannels: 1, stride: 1 } as const;
const block = (): NativeModule => addon().createModule(spec, { device: 'cpu', seed: 1, initialize: true });
const ones = (...shape: number[]): { dtype: 'float32'; shape: number[]; data: Float32Array } => ({
  dtype: 'float32',
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1),
});

const NAME = 'conv_bn_block1.1.bias';
const value = (module: NativeModule): unknown => module.stateDict().find(({ name }) => name === NAME)!.data[0];

/** An object like `entry` whose name, when it is read, starts a forward that takes a while. */
function startingForward<T extends object>(module: NativeModule, entry: T): T & { done: () => Promise<unknown> } {
  let done: Promise<unknown> | undefined;
  const begun = (): string => {
    done ??= module.forward(ones(8, 1, 512, 512)).promise;
    return NAME;
  };
  return Object.defineProperty({ ...entry, done: async () => done }, 'name', { get: begun, enumerable: true });
}

test('a shape that a getter makes longer while it is read writes past nothing', async () => {
  const ended = await runScript(`
    const module = require('./dist/native/addon').addon().createModule(${JSON.stringify(spec)}, { device: 'cpu', initialize: true });
    const shape = [1, 1, 2, 2];
    Object.defineProperty(shape, 0, { get: () => (shape.length < 9 && (shape.length = 2e6, shape.fill(1, 4)), 1) });
    console.log(module.trace(shape).length > 0);`);
  expect(ended).toEqual({ code: 0, signal: null, stdout: 'true\n', stderr: '' });
});

test('a shape of more dimensions than libtorch has', () => {
  expect(() => block().forwardSync(ones(...new Array<number>(65).fill(1)))).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringMatching(/^shape .* 64 dimensions/) }),
  );
});

describe('a forward that begins while entries are read is not written under: ERR_BUSY', () => {
  test('loadState', async () => {
    const module = block();
    const entry = startingForward<NativeEntry>(module, { name: NAME, ...ones(1) });
    expect(() => module.loadState([entry])).toThrow(expect.objectContaining({ code: 'ERR_BUSY' }));
    expect(value(module)).toBe(0);
    await entry.done();
  });

  const folder = temporaryFolder();

  test('readState', async () => {
    const module = block();
    const path = written(folder, 'one', new Uint8Array(Float32Array.of(1).buffer));
    const entry = startingForward(module, { name: NAME, dtype: 'float32', offset: 0, length: 4 } as const);
    expect(() => module.readState(path, [entry])).toThrow(expect.objectContaining({ code: 'ERR_BUSY' }));
    expect(value(module)).toBe(0);
    await entry.done();
  });
});

test('a picture that would grow beyond 2^30 pixels is refused before memory is asked for', async () => {
  const options: NativeResizeOptions = { resize: 256, crop: 1, interpolation: 'bilinear' };
  const picture = { width: 1, height: 20_000, data: new Uint8Array(60_000) };
  await expect(addon().resizeAndCrop([picture], options).promise).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    message: expect.stringContaining('1 x 20000'),
  });
});

test('a class that JavaScript reaches by an instance makes no network of its own', async () => {
  const net = addon().createModule(
    { type: 'ResNet', layers: 18, numClasses: 2 },
    { device: 'cpu', seed: 1, initialize: true },
  );
  const options = { dtype: 'float32', mean: [0, 0, 0], std: [1, 1, 1], percentile: false, consume: false } as const;
  const made = await net.optimize(options).promise;
  const empty = Reflect.construct(made.constructor as new () => typeof made, [made]) as typeof made;
  expect(() => empty.forwardSync(ones(1, 3, 8, 8), false, 0)).toThrow(
    expect.objectContaining({ code: 'ERR_DISPOSED' }),
  );
  expect(() => empty.ranges()).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  empty.dispose();
  expect(made.forwardSync(ones(1, 3, 8, 8), false, 0).shape).toEqual([1, 2]);
});
