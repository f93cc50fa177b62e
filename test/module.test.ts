import { BasicBlock, BottleneckBlock, Module, OptimizedResNet, ResNet, ResNetError, Tensor } from '../lib/index';
import { addon } from '../lib/native/addon';
import { randomTensor } from './support/tensors';

const block = (): BasicBlock => new BasicBlock(4, 8, 2, { seed: 1 });

describe('construction', () => {
  test('new ResNet(20) says what the article says', () => {
    expect(() => new ResNet(20 as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_UNSUPPORTED_LAYERS',
        message: 'Supported layers are [18, 34, 50, 101, 152], but input layer is 20.',
      }),
    );
  });

  test('one family, and a new module is in eval mode on the CPU', () => {
    const basic = block();
    expect(basic).toBeInstanceOf(Module);
    expect([basic.training, basic.device]).toEqual([false, 'cpu']);
    expect([basic.inputChannels, basic.outputChannels, basic.stride]).toEqual([4, 8, 2]);
  });

  test('a seed gives the same values, another seed others, and none others each time', () => {
    const weights = (seed?: number): unknown =>
      new BasicBlock(4, 8, 1, { seed }).stateDict().get('conv_bn_block1.0.weight')?.data;
    expect(weights(7)).toEqual(weights(7));
    expect(weights(7)).not.toEqual(weights(8));
    expect(weights()).not.toEqual(weights());
  });

  test('values are drawn as torchvision draws them: Kaiming normal, fan out; Linear uniform; batch norms 1 and 0', () => {
    const state = new ResNet(18, 1000, { seed: 3 }).stateDict();
    const values = (name: string): number[] => [...(state.get(name)?.data as Float32Array)];
    const deviation = (xs: number[]): number => {
      const mean = xs.reduce((a, b) => a + b, 0) / xs.length;
      return Math.sqrt(xs.reduce((a, b) => a + (b - mean) ** 2, 0) / xs.length);
    };
    const conv = values('residual_block.7.conv_bn_block2.0.weight');
    expect(deviation(conv)).toBeCloseTo(Math.sqrt(2 / (512 * 9)), 4);
    const fc = values('fc.weight');
    expect(Math.max(...fc.slice(0, 50_000))).toBeCloseTo(1 / Math.sqrt(512), 3);
    expect(deviation(fc)).toBeCloseTo(1 / Math.sqrt(512) / Math.sqrt(3), 3);
    expect(new Set(values('bn.weight'))).toEqual(new Set([1]));
    expect(new Set(values('bn.bias'))).toEqual(new Set([0]));
    expect(new Set(values('bn.running_var'))).toEqual(new Set([1]));
    expect(state.get('bn.num_batches_tracked')?.data).toEqual(new BigInt64Array([0n]));
  });

  test('a bottleneck is a quarter as wide, rounded down', () => {
    const state = new BottleneckBlock(8, 11, 1).stateDict();
    expect(state.get('conv_bn_block1.0.weight')?.shape).toEqual([2, 8, 1, 1]);
    expect(state.has('down_sample_block.0.weight')).toBe(true);
    expect(new BottleneckBlock(8, 8, 1).stateDict().has('down_sample_block.0.weight')).toBe(false);
    expect(new BottleneckBlock(8, 8, 2).stateDict().has('down_sample_block.0.weight')).toBe(true);
  });
});

describe('bad input, by table: the call, its code, and what the message names', () => {
  const x = (): Tensor => randomTensor([1, 4, 6, 6]);
  const calls: [string, () => unknown, string, RegExp][] = [
    ['layers of another type', () => new ResNet('50' as never), 'ERR_UNSUPPORTED_LAYERS', /input layer is 50\.$/],
    ['no layers', () => new (ResNet as any)(), 'ERR_UNSUPPORTED_LAYERS', /input layer is undefined/],
    ['numClasses of zero', () => new ResNet(18, 0), 'ERR_ARGUMENT', /^numClasses must be .* got 0\.$/],
    ['numClasses of a fraction', () => new ResNet(18, 1.5), 'ERR_ARGUMENT', /^numClasses .* got 1\.5\.$/],
    ['inputChannels', () => new BasicBlock(0, 1, 1), 'ERR_ARGUMENT', /^inputChannels .* got 0\.$/],
    ['outputChannels', () => new BasicBlock(1, NaN, 1), 'ERR_ARGUMENT', /^outputChannels .* got NaN\.$/],
    ['too narrow a bottleneck', () => new BottleneckBlock(4, 3, 1), 'ERR_ARGUMENT', /^outputChannels .* from 4 /],
    ['stride', () => new BasicBlock(1, 1, '2' as never), 'ERR_ARGUMENT', /^stride .* got "2"\.$/],
    ['options', () => new BasicBlock(1, 1, 1, null as never), 'ERR_ARGUMENT', /^options .* got null\.$/],
    ['seed', () => new BasicBlock(1, 1, 1, { seed: -1 }), 'ERR_ARGUMENT', /^seed .* got -1\.$/],
    [
      'a device of another type',
      () => new BasicBlock(1, 1, 1, { device: 1 as never }),
      'ERR_DEVICE',
      /^device .* got 1\.$/,
    ],
    [
      'an unknown device',
      () => new BasicBlock(1, 1, 1, { device: 'gpu' as never }),
      'ERR_DEVICE',
      /^device .*'gpu'\.$/,
    ],
    ['a malformed index', () => block().to('cuda:-1'), 'ERR_DEVICE', /^device .*'cuda:-1'\.$/],
    ['an endless index', () => block().to('cuda:12345678901234567890' as never), 'ERR_DEVICE', /^device/],
    ['no tensor', () => block().forwardSync(undefined as never), 'ERR_ARGUMENT', /^x must be a Tensor/],
    ['something like a tensor', () => block().forwardSync({ ...x() } as never), 'ERR_ARGUMENT', /^x must be a Tensor/],
    [
      'rank 3',
      () => block().forwardSync(randomTensor([4, 6, 6])),
      'ERR_SHAPE',
      /^x .*\[N, 4, H, W\].* got \[4, 6, 6\]\.$/,
    ],
    [
      'other channels',
      () => block().forwardSync(randomTensor([1, 3, 6, 6])),
      'ERR_SHAPE',
      /^x .* got \[1, 3, 6, 6\]\.$/,
    ],
    [
      'an empty batch',
      () => block().forwardSync(randomTensor([0, 4, 6, 6])),
      'ERR_SHAPE',
      /^x .* got \[0, 4, 6, 6\]\.$/,
    ],
    [
      'a dtype that is not taken',
      () => block().forwardSync(new Tensor(new Int32Array(16), [1, 4, 2, 2])),
      'ERR_DTYPE',
      /^x .* got "int32"\.$/,
    ],
    ['a mode', () => block().train('yes' as never), 'ERR_ARGUMENT', /^mode .* got "yes"\.$/],
    ['a count', () => block().parameterCount({ count: 'some' as never }), 'ERR_ARGUMENT', /^count .* got "some"\.$/],
    ['a borrowed method', () => ResNet.prototype.forwardSync.call({} as never, x()), 'ERR_ARGUMENT', /^this must be/],
    [
      'a receiver that is not an object',
      () => ResNet.prototype.dispose.call(1 as never),
      'ERR_ARGUMENT',
      /^this must be/,
    ],
    [
      'values of a network without',
      () => new BasicBlock(1, 1, 1, { device: 'meta' }).stateDict(),
      'ERR_DEVICE',
      /'meta'/,
    ],
    [
      'running a network without values',
      () => new BasicBlock(4, 4, 1, { device: 'meta' }).forwardSync(x()),
      'ERR_DEVICE',
      /'meta'/,
    ],
    [
      'moving a network without values',
      () => new BasicBlock(1, 1, 1, { device: 'meta' }).to('cpu'),
      'ERR_DEVICE',
      /'meta'/,
    ],
  ];

  test.each(calls)('%s', (_name, call, code, message) => {
    const error = thrownBy(call);
    expect(error).toBeInstanceOf(ResNetError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(error.stack).toContain('module.test.ts');
  });

  test("forward() rejects where forwardSync() throws, and with the caller's stack", async () => {
    const error = await rejection(block().forward(randomTensor([1, 3, 6, 6])));
    expect(error).toMatchObject({ code: 'ERR_SHAPE' });
    expect(error.stack).toContain('module.test.ts');
  });

  test('a native failure carries the stack of the call too', async () => {
    const error = await rejection(new BasicBlock(4, 4, 1, { device: 'meta' }).forward(x()));
    expect(error).toBeInstanceOf(ResNetError);
    expect(error).toMatchObject({ code: 'ERR_DEVICE' });
    expect(error.stack).toContain('module.test.ts');
  });

  test('what cannot be allocated is ERR_OUT_OF_MEMORY, and the process goes on', async () => {
    expect(thrownBy(() => new BasicBlock(1, 2 ** 17, 1))).toMatchObject({ code: 'ERR_OUT_OF_MEMORY' });
    // 128 GiB after the first layer, of an input of 64 MiB.
    const wide = new BasicBlock(1, 2048, 1, { seed: 1 });
    const error = await rejection(wide.forward(new Tensor(new Float32Array(2 ** 24), [1, 1, 2 ** 12, 2 ** 12])));
    expect(error).toMatchObject({ code: 'ERR_OUT_OF_MEMORY' });
    expect(block().forwardSync(x()).shape).toEqual([1, 8, 3, 3]);
  });
});

describe('forward', () => {
  test.each([
    [1, 1],
    [5, 3],
    [33, 33],
    [64, 448],
  ])('%i x %i goes through a whole network', async (height, width) => {
    const net = new ResNet(18, 7, { seed: 1 });
    const y = await net.forward(randomTensor([2, 3, height, width]));
    expect(y.shape).toEqual([2, 7]);
    expect([...y.toFloat32()].every(Number.isFinite)).toBe(true);
  });

  test('takes its input before it returns', async () => {
    const module = block();
    const x = randomTensor([1, 4, 6, 6]);
    const expected = module.forwardSync(x);
    const promise = module.forward(x);
    (x.data as Float32Array).fill(0);
    expect((await promise).data).toEqual(expected.data);
  });

  test('converts float64, float16 and bfloat16, and answers in float32', async () => {
    const module = block();
    const halves = [0, 1, -2, 0.5].flatMap((value) => new Array<number>(36).fill(value));
    const f32 = new Tensor(halves, [1, 4, 6, 6]);
    const expected = module.forwardSync(f32);
    const f16 = Uint16Array.from(halves, (v) => ({ 0: 0, 1: 0x3c00, [-2]: 0xc000, 0.5: 0x3800 })[v]!);
    const bf16 = Uint16Array.from(halves, (v) => new Uint32Array(new Float32Array([v]).buffer)[0]! >>> 16);
    for (const x of [
      new Tensor(Float64Array.from(halves), [1, 4, 6, 6]),
      new Tensor(f16, [1, 4, 6, 6], 'float16'),
      new Tensor(bf16, [1, 4, 6, 6], 'bfloat16'),
    ]) {
      const y = await module.forward(x);
      expect(y.dtype).toBe('float32');
      expect(y.data).toEqual(expected.data);
    }
  });

  test('takes shared memory', () => {
    const module = block();
    const x = randomTensor([1, 4, 6, 6]);
    const shared = new Float32Array(new SharedArrayBuffer(144 * 4));
    shared.set(x.data as Float32Array);
    expect(module.forwardSync(new Tensor(shared, [1, 4, 6, 6])).data).toEqual(module.forwardSync(x).data);
  });

  test('a tensor whose buffer was detached is an error, not a crash', () => {
    const x = randomTensor([1, 4, 6, 6]);
    structuredClone(x.data.buffer, { transfer: [x.data.buffer as ArrayBuffer] });
    expect(thrownBy(() => block().forwardSync(x))).toMatchObject({ code: 'ERR_SHAPE' });
  });
});

describe('AbortSignal', () => {
  test('aborted before: never runs, and rejects with the reason', async () => {
    const reason = new Error('not needed');
    expect(await rejection(block().forward(randomTensor([1, 4, 6, 6]), { signal: AbortSignal.abort(reason) }))).toBe(
      reason,
    );
  });

  test('aborted while it waits or runs: rejects at once, and the module is free soon after', async () => {
    const net = new ResNet(152, 10, { seed: 1 });
    const controller = new AbortController();
    const batch = randomTensor([8, 3, 224, 224]);
    const forwards = [0, 1, 2, 3].map(() => rejection(net.forward(batch, { signal: controller.signal })));
    await new Promise((resolve) => setTimeout(resolve, 50));
    controller.abort();
    expect((await Promise.all(forwards)).map((error) => error.name)).toEqual(new Array(4).fill('AbortError'));
    // Four such forwards take many seconds; ended between two layers they are gone long before.
    const started = performance.now();
    for (;;) {
      try {
        net.train(false);
        break;
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_BUSY' });
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    expect(performance.now() - started).toBeLessThan(3_000);
    net.dispose();
  });

  test('a signal of another type', async () => {
    const error = await rejection(block().forward(randomTensor([1, 4, 6, 6]), { signal: {} as never }));
    expect(error).toMatchObject({ code: 'ERR_ARGUMENT', message: expect.stringMatching(/^signal/) });
  });

  test('listeners do not pile up on a signal that lives long', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = ((...args: Parameters<typeof add>) => (listeners++, add(...args))) as typeof add;
    signal.removeEventListener = ((...args: Parameters<typeof remove>) => (
      listeners--,
      remove(...args)
    )) as typeof remove;
    await block().forward(randomTensor([1, 4, 6, 6]), { signal });
    expect(listeners).toBe(0);
  });
});

describe('state', () => {
  test('to, train, eval and loadStateDict are ERR_BUSY while a forward is in flight, and dispose is deferred', async () => {
    const net = new ResNet(18, 10, { seed: 1 });
    const state = net.stateDict();
    const x = randomTensor([4, 3, 128, 128]);
    const expected = net.forwardSync(x);
    const pending = net.forward(x);
    for (const change of [() => net.to('cpu'), () => net.train(), () => net.eval(), () => net.loadStateDict(state)]) {
      expect(thrownBy(change)).toMatchObject({ code: 'ERR_BUSY' });
    }
    net.dispose();
    net.dispose();
    expect((await pending).data).toEqual(expected.data);
    expect(await rejection(net.forward(x))).toMatchObject({ code: 'ERR_DISPOSED' });
    expect(thrownBy(() => net.stateDict())).toMatchObject({ code: 'ERR_DISPOSED' });
  });

  test('Symbol.dispose disposes', () => {
    const module = block();
    module[Symbol.dispose]();
    expect(thrownBy(() => module.forwardSync(randomTensor([1, 4, 6, 6])))).toMatchObject({ code: 'ERR_DISPOSED' });
  });

  test("train mode normalizes by the batch and moves the running statistics by PyTorch's rule", async () => {
    const module = new BasicBlock(1, 1, 1, { seed: 5 });
    const x = randomTensor([3, 1, 4, 4]);
    const conv = module.stateDict().get('conv_bn_block1.0.weight')!.toFloat32();
    const at = (n: number, r: number, c: number): number =>
      r < 0 || c < 0 || r > 3 || c > 3 ? 0 : (x.data[n * 16 + r * 4 + c] as number);
    const outputs: number[] = [];
    for (let n = 0; n < 3; n++)
      for (let r = 0; r < 4; r++)
        for (let c = 0; c < 4; c++) {
          let sum = 0;
          for (let i = 0; i < 9; i++) sum += conv[i]! * at(n, r + Math.floor(i / 3) - 1, c + (i % 3) - 1);
          outputs.push(sum);
        }
    const mean = outputs.reduce((a, b) => a + b, 0) / 48;
    const variance = outputs.reduce((a, b) => a + (b - mean) ** 2, 0) / 47; // unbiased in the running one
    await module.train().forward(x);
    expect(module.training).toBe(true);
    const state = module.eval().stateDict();
    expect(state.get('conv_bn_block1.1.running_mean')!.data[0]).toBeCloseTo(0.1 * mean, 5);
    expect(state.get('conv_bn_block1.1.running_var')!.data[0]).toBeCloseTo(0.9 + 0.1 * variance, 5);
    expect(state.get('conv_bn_block1.1.num_batches_tracked')!.data[0]).toBe(1n);
  });

  test('forwards in train mode, started at once, move the statistics as one after the other, on any number of streams', async () => {
    // The streams are the process's own, and stay: now there are four.
    (await new ResNet(18, 2).optimize({ streams: 4 })).dispose();
    for (let round = 0; round < 20; round++) {
      const [together, inTurn] = [block(), block()];
      const xs = Array.from({ length: 8 }, () => randomTensor([2, 4, 6, 6]));
      together.train();
      inTurn.train();
      await Promise.all(xs.map((x) => together.forward(x)));
      for (const x of xs) inTurn.forwardSync(x);
      expect(together.eval().stateDict()).toEqual(inTurn.eval().stateDict());
    }
  });

  test('stateDict is ERR_BUSY while a forward in train mode moves the statistics, and whole in eval mode', async () => {
    const module = block();
    const x = randomTensor([8, 4, 256, 256]);
    const idle = module.stateDict();
    const evaluating = module.forward(x);
    expect(module.stateDict()).toEqual(idle);
    await evaluating;
    const training = module.train().forward(x);
    expect(thrownBy(() => module.stateDict())).toMatchObject({ code: 'ERR_BUSY' });
    await training;
    expect(module.stateDict()).not.toEqual(idle);
  });

  test('a batch norm that sees one value per channel refuses train mode, and no statistic has moved', async () => {
    const module = block().train();
    const before = module.stateDict();
    const error = await rejection(module.forward(randomTensor([1, 4, 1, 1])));
    expect(error).toMatchObject({
      code: 'ERR_SHAPE',
      message: expect.stringContaining('more than one value per channel'),
    });
    expect(module.stateDict()).toEqual(before);
  });

  test('stateDict is a copy', () => {
    const module = block();
    (module.stateDict().get('conv_bn_block1.0.weight')!.data as Float32Array).fill(9);
    expect(module.stateDict().get('conv_bn_block1.0.weight')!.data[0]).not.toBe(9);
  });

  test('V8 is told of the memory that a module holds, and of its release', () => {
    const external = (): number => addon()._externalMemory();
    const before = external();
    const net = new ResNet(50, 1000, { seed: 1 });
    const expected = net.parameterCount() * 4;
    expect(external() - before).toBeGreaterThan(0.99 * expected);
    net.dispose();
    expect(external() - before).toBeLessThan(0.01 * expected);
  });
});

describe('parameterCount', () => {
  test('ResNet-50, by each way of counting', () => {
    const net = new ResNet(50, 1000, { device: 'meta' });
    expect(net.parameterCount()).toBe(25_610_152);
    expect(net.parameterCount({ count: 'parameters' })).toBe(25_557_032);
    expect(net.parameterCount({ count: 'article' })).toBe(25_503_912);
  });
});

function thrownBy(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

async function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error('it was fulfilled');
    },
    (error: unknown) => error as Error,
  );
}

describe('objects that are not what they seem', () => {
  const make = (): BasicBlock => new BasicBlock(4, 4, 1, { seed: 1 });
  const code = async (run: () => unknown): Promise<unknown> => {
    try {
      await run();
      return 'done';
    } catch (error) {
      return (error as ResNetError).code;
    }
  };

  test('a tensor whose fields were replaced, or that has nothing but the prototype', async () => {
    const x = (fields: object): Tensor => Object.assign(randomTensor([1, 4, 2, 2]), fields);
    const bare = Object.create(Tensor.prototype) as Tensor;
    const cases: [Tensor, string][] = [
      [x({ data: null }), 'ERR_ARGUMENT'],
      [x({ data: new Float32Array(2) }), 'ERR_SHAPE'],
      [x({ shape: null }), 'ERR_SHAPE'],
      [x({ dtype: 'float64' }), 'ERR_DTYPE'],
      [bare, 'ERR_ARGUMENT'],
    ];
    for (const [tensor, expected] of cases) {
      expect(await code(() => make().forward(tensor))).toBe(expected);
      expect(await code(() => make().forwardSync(tensor))).toBe(expected);
      expect(await code(() => make().loadStateDict({ 'conv.weight': tensor }))).toBe(expected);
    }
  });

  test('every method and getter says what its receiver must be, and every options object is one', async () => {
    const called: string[] = [];
    for (const { name: type, prototype } of [Module, ResNet, BasicBlock, OptimizedResNet]) {
      for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
        const method = (Reflect.get(descriptor, 'get') ?? descriptor.value) as unknown;
        if (name === 'constructor' || typeof method !== 'function') continue;
        called.push(`${type}.${name}`);
        for (const receiver of [{}, null, Object.create(make())]) {
          expect([name, await code(() => method.call(receiver))]).toEqual([name, 'ERR_ARGUMENT']);
        }
      }
    }
    expect(called).toEqual(expect.arrayContaining(['Module.forward', 'ResNet.optimize', 'OptimizedResNet.dispose']));
    for (const type of [Module, OptimizedResNet]) {
      const method = Reflect.get(type.prototype, Symbol.dispose) as () => void;
      expect(await code(() => method.call({}))).toBe('ERR_ARGUMENT');
    }
    expect(await code(() => make().parameterCount(null as never))).toBe('ERR_ARGUMENT');
    expect(await code(() => make().parameterCount({ count: Object.create(null) }))).toBe('ERR_ARGUMENT');
  });
});
