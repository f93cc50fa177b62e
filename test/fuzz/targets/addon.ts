import { types } from 'node:util';
import { addon, type NativeModule, type NativeOptimized } from '../../../lib/native/addon';
import type { OptimizedDType } from '../../../lib/optimized';
import type { Random } from '../random';
import type { Target } from '../target';
import { junk, perhaps, perhapsFields, typedArray } from '../values';

/**
 * The addon without the TypeScript before it. What would only take long is left out where it is right (a thousand
 * threads, pictures of 16,384 pixels, a measurement of 0.3 s): every wrong value is tried, and small right ones.
 */

const NUMBER_OF_CHANNELS = 2;

function floats(random: Random, length: number): unknown {
  return random.chance(0.9) ? new Float32Array(length).fill(0.5) : typedArray(random, length);
}

function tensor(random: Random, channels: number): unknown {
  const [n, h, w] = [random.pick([1, 1, 2]), random.pick([0, 1, 3, 8]), random.pick([1, 2, 8])];
  const shape: unknown[] = [n, channels, h, w];
  const data = floats(random, n * channels * h * w);
  if (random.chance(0.1)) shape[random.below(4)] = perhaps(random, random.pick([-1, 2 ** 31, 2 ** 53, 2 ** 62]));
  return perhapsFields(random, { dtype: random.chance(0.9) ? 'float32' : 'bfloat16', shape, data });
}

const threads = (random: Random): unknown => perhaps(random, random.pick([0, 1, 2]));

function picture(random: Random): unknown {
  const [width, height] = [1 + random.below(6), 1 + random.below(6)];
  return perhapsFields(random, { data: new Uint8Array(width * height * 3), width, height });
}

const pictures = (random: Random): unknown =>
  perhaps(
    random,
    Array.from({ length: random.below(3) }, () => picture(random)),
  );

function resizeOptions(random: Random): unknown {
  const crop = random.pick([0, 1, 7, 32]);
  return perhapsFields(random, {
    resize: crop + random.pick([0, 1, 8]),
    crop,
    interpolation: random.pick(['bilinear', 'bicubic']),
  });
}

/** Of pictures with up to 6 x 6 pixels. */
const box = (random: Random, side: number): unknown =>
  perhaps(random, [random.below(2), random.below(2), 1 + random.below(side), 1 + random.below(side)]);

const PROPERTIES = ['brightness', 'contrast', 'saturation', 'hue'];
const OPERATIONS = ['shearX', 'translateY', 'rotate', 'color', 'sharpness', 'posterize', 'solarize', 'equalize', 'x'];

function augmentPlan(random: Random): unknown {
  const size = random.pick([0, 1, 3, 32]);
  const factor = (): unknown => perhaps(random, random.pick([0, 0.5, 1e9, -0.5, NaN]));
  const jitter = Object.fromEntries(PROPERTIES.map((name) => [name, factor()]));
  return perhapsFields(random, {
    box: box(random, 4),
    size,
    interpolation: random.pick(['bilinear', 'bicubic']),
    flip: random.chance(0.5),
    jitter: random.pick([undefined, { ...jitter, order: perhaps(random, [random.pick(PROPERTIES)]) }]),
    trivial: random.pick([undefined, { operation: random.pick(OPERATIONS), magnitude: factor() }]),
    erase: random.pick([undefined, { box: box(random, size + 1), value: perhaps(random, [0, 127, 255]) }]),
  });
}

const spec = (random: Random): unknown =>
  perhapsFields(random, {
    type: random.pick(['BasicBlock', 'BottleneckBlock']),
    inputChannels: random.pick([1, 2, 3]),
    outputChannels: random.pick([1, 4, 7]),
    stride: random.pick([1, 2, 3]),
  });

const options = (random: Random): unknown =>
  perhapsFields(random, {
    device: random.pick(['cpu', 'cpu', 'meta', 'cuda', 'cuda:0', 'cuda:99', 'cpu:1', 'tpu', '']),
    seed: random.pick([0, 1, undefined, 2 ** 53 - 1]),
    initialize: random.chance(0.5),
  });

const entry = (random: Random): unknown =>
  perhapsFields(random, {
    name: random.pick(['conv.weight', 'residual_block.0.conv_bn_block1.1.running_mean', 'x']),
    dtype: random.pick(['float32', 'int64', 'float']),
    shape: random.pick([[2], [2, 2, 3, 3], []]),
    data: floats(random, random.pick([1, 2, 36])),
    offset: random.pick([0, 8, 2 ** 53 - 1]),
    length: random.pick([0, 8, 144]),
  });

const entries = (random: Random): unknown =>
  perhaps(
    random,
    Array.from({ length: random.below(4) }, () => entry(random)),
  );

type Arguments = (random: Random) => unknown[];

const MODULE: Readonly<Record<Exclude<keyof NativeModule, 'dispose' | 'optimize'>, Arguments>> = {
  forward: (random) => [tensor(random, NUMBER_OF_CHANNELS)],
  forwardSync: (random) => [tensor(random, NUMBER_OF_CHANNELS)],
  forwardFeatures: (random) => [tensor(random, NUMBER_OF_CHANNELS), threads(random)],
  stages: (random) => [tensor(random, NUMBER_OF_CHANNELS), threads(random)],
  train: (random) => [perhaps(random, random.chance(0.5))],
  training: () => [],
  to: (random) => [perhaps(random, random.pick(['cpu', 'cuda', 'tpu', 'cpu:-1', 'cuda:999999999999']))],
  device: () => [],
  stateSpec: () => [],
  stateDict: () => [],
  loadState: (random) => [entries(random)],
  readState: (random) => [perhaps(random, '/dev/null'), entries(random)],
  trace: (random) => [perhaps(random, [1, random.pick([1, 2]), random.pick([0, 1, 2 ** 31, 2 ** 53]), 8])],
};

const EXPORTS: readonly (readonly [
  name: 'augment' | 'resizeAndCrop' | 'discard' | 'ensureInferenceThreads',
  Arguments,
])[] = [
  ['augment', (random) => [picture(random), augmentPlan(random)]],
  ['resizeAndCrop', (random) => [pictures(random), resizeOptions(random)]],
  ['discard', (random) => [perhaps(random, floats(random, random.below(4)))]],
  ['ensureInferenceThreads', (random) => [perhaps(random, 1)]],
];

/** What came of a call: a job's promise is awaited, now and then after it was canceled. */
async function settle(random: Random, outcome: unknown): Promise<unknown> {
  if (typeof outcome !== 'object' || outcome === null || !('promise' in outcome)) return outcome;
  const job = outcome as { promise: Promise<unknown>; cancel: () => void };
  if (random.chance(0.2)) job.cancel();
  try {
    return await job.promise;
  } finally {
    job.cancel();
  }
}

/** Calls a method, now and then on another receiver: that is for V8 to refuse, by a TypeError of its own. */
async function call(random: Random, receiver: object, name: string, values: unknown[]): Promise<void> {
  const method = (receiver as Record<string, (...values: unknown[]) => unknown>)[name]!;
  const swapped = random.chance(0.05);
  try {
    const given = swapped ? random.pick([{}, addon(), fast ?? {}, Object.create(receiver)]) : receiver;
    const extra = random.chance(0.05) ? [junk(random)] : [];
    await settle(random, Reflect.apply(method, given, random.chance(0.03) ? [] : [...values, ...extra]));
  } catch (error) {
    if (
      swapped &&
      types.isNativeError(error) &&
      error.name === 'TypeError' &&
      /Illegal invocation|Invalid argument/.test(error.message)
    )
      return;
    throw error;
  }
}

let block: NativeModule | undefined;
let fast: NativeOptimized | undefined; // the last one that was asked for
const optimized = new Map<OptimizedDType, Promise<NativeOptimized>>();

function blockOnce(): NativeModule {
  const shape = { inputChannels: NUMBER_OF_CHANNELS, outputChannels: 2, stride: 1 };
  block ??= addon().createModule({ type: 'BasicBlock', ...shape }, { device: 'cpu', seed: 1, initialize: true });
  return block;
}

const DTYPES: readonly OptimizedDType[] = ['float32', 'bfloat16', 'int8'];

async function optimize(dtype: OptimizedDType): Promise<NativeOptimized> {
  const spec = { type: 'ResNet', layers: 18, numClasses: 3 } as const;
  const net = addon().createModule(spec, { device: 'cpu', seed: 1, initialize: true });
  const normal = { mean: [0, 0, 0], std: [1, 1, 1] };
  const values = Float32Array.from({ length: 3 * 64 }, (_, i) => Math.sin(i));
  const calibration = dtype === 'int8' ? [{ dtype: 'float32' as const, shape: [1, 3, 8, 8], data: values }] : undefined;
  const made = net.optimize({ dtype, ...normal, calibration, percentile: false, consume: false });
  return made.promise;
}

/** One of each dtype. */
async function fastOnce(dtype: OptimizedDType): Promise<NativeOptimized> {
  const made = optimized.get(dtype) ?? optimize(dtype);
  optimized.set(dtype, made);
  fast = await made;
  return fast;
}

async function onModule(random: Random): Promise<void> {
  const own = random.chance(0.1);
  const module = own ? addon().createModule(spec(random) as never, options(random) as never) : blockOnce();
  const name = random.pick(Object.keys(MODULE) as (keyof typeof MODULE)[]);
  try {
    await call(random, module, name, MODULE[name](random));
  } finally {
    if (own) module.dispose();
    else if (!random.chance(0.5)) module.train(false);
  }
}

async function onOptimized(random: Random): Promise<void> {
  const network = await fastOnce(random.pick(DTYPES));
  const x = tensor(random, 3);
  const methods: readonly (readonly [string, unknown[]])[] = [
    ['forward', [x, perhaps(random, false), threads(random)]],
    ['forwardSync', [x, perhaps(random, true), threads(random)]],
    ['explain', [x, perhaps(random, random.pick([undefined, 0, 2, 3])), threads(random)]],
    ['description', []],
    ['ranges', []],
  ];
  await call(random, network, ...random.pick(methods));
}

function onExports(random: Random): Promise<void> {
  const [name, values] = random.pick(EXPORTS);
  if (random.chance(0.1)) {
    return Promise.resolve(
      addon()
        .createModule(junk(random) as never, junk(random) as never)
        .dispose(),
    );
  }
  return call(random, addon(), name, values(random));
}

export const ADDON: readonly Target[] = [
  { name: 'addon-module', run: onModule, bare: true },
  {
    name: 'addon-optimized',
    run: onOptimized,
    prepare: () => Promise.allSettled(DTYPES.map(fastOnce)), // of those that this processor computes in
    bare: true,
  },
  { name: 'addon-exports', run: onExports, bare: true },
];
