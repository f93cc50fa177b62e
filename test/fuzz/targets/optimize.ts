import { addon, type NativeModule, type NativeOptimized, type NativeRange } from '../../../lib/native/addon';
import type { OptimizedDType } from '../../../lib/optimized';
import type { Random } from '../random';
import type { Target } from '../target';
import { junk, perhaps, perhapsFields } from '../values';

/** How an optimized network is made, by the addon without the TypeScript before it: options, calibrations, ranges. */

const BLOCK = { type: 'BasicBlock', inputChannels: 2, outputChannels: 2, stride: 1 } as const;
const NETWORK = { type: 'ResNet', layers: 18, numClasses: 3 } as const;
const DTYPES: readonly OptimizedDType[] = ['int8', 'int8', 'int8', 'float32', 'bfloat16'];
const NUMBERS = [0, 1, -1, 0.5, 1e-45, -1e-38, 1e30, 3e34, 3e38, -3e38, NaN, Infinity];

const create = (spec: typeof BLOCK | typeof NETWORK): NativeModule =>
  addon().createModule(spec, { device: 'cpu', seed: 1, initialize: true });

let network: NativeModule | undefined;
let block: NativeModule | undefined;
/** Of which ranges are changed. */
let ranges: readonly NativeRange[] | undefined;

/** Numbers, most of them one. */
function numbers(random: Random, length: number): Float32Array {
  const [usual, rare] = [random.pick(NUMBERS), random.pick(NUMBERS)];
  return Float32Array.from({ length }, (_, i) => (random.chance(0.05) ? rare : usual + Math.sin(i) * usual));
}

function input(random: Random): unknown {
  const [n, h, w] = [random.pick([1, 1, 2]), 1 + random.below(8), 1 + random.below(8)];
  const length = n * h * w * 3;
  return perhapsFields(
    random,
    random.chance(0.2)
      ? { dtype: 'uint8', shape: [n, h, w, 3], data: new Uint8Array(length).fill(random.below(256)) }
      : { dtype: 'float32', shape: [n, 3, h, w], data: numbers(random, length) },
  );
}

const inputs = (random: Random): unknown =>
  perhaps(
    random,
    Array.from({ length: random.below(3) }, () => input(random)),
  );

function changed(random: Random): unknown {
  const change = random.pick(['none', 'one', 'missing'] as const);
  const at = random.below(ranges!.length);
  const list = ranges!.map(({ name, min, max }, i) =>
    change === 'one' && i === at
      ? perhapsFields(random, { name, min: random.pick(NUMBERS), max: random.pick(NUMBERS) })
      : { name, min, max },
  );
  return perhaps(random, change === 'missing' ? list.slice(1) : list);
}

const three = (random: Random): unknown => perhaps(random, [0.5, random.pick(NUMBERS), 0.3]);

const options = (random: Random): unknown =>
  perhapsFields(random, {
    dtype: random.pick(DTYPES),
    mean: random.chance(0.8) ? [0, 0, 0] : three(random),
    std: random.chance(0.8) ? [1, 1, 1] : three(random),
    ranges: random.chance(0.2) ? changed(random) : undefined,
    calibration: random.chance(0.8) ? inputs(random) : undefined,
    percentile: random.chance(0.5),
    consume: random.chance(0.05),
  });

/** Numbers that int8 can be computed with, and an answer. */
async function check(made: NativeOptimized): Promise<void> {
  try {
    for (const { name, min, max } of made.ranges()) {
      if (Number.isFinite(min) && Number.isFinite(max) && min <= max) continue;
      throw new Error(`the range of ${name} is ${min} to ${max}`);
    }
    const x = { dtype: 'float32' as const, shape: [1, 3, 5, 3], data: new Float32Array(45).fill(0.5) };
    const { shape } = await made.forward(x, false, 0).promise;
    if (String(shape) !== '1,3') throw new Error(`an answer of shape ${String(shape)}`);
  } finally {
    made.dispose();
  }
}

async function onOptimize(random: Random): Promise<void> {
  network ??= create(NETWORK);
  const given = random.chance(0.02) ? junk(random) : options(random);
  if (random.chance(0.02)) {
    block ??= create(BLOCK);
    await check(await block.optimize(given as never).promise);
  }
  const receiver = network;
  // Its memory is taken: it is of no use afterward.
  const { value } = Object.getOwnPropertyDescriptor(Object(given), 'consume') ?? {};
  if (value === true) network = undefined;
  try {
    const job = receiver.optimize(given as never);
    if (random.chance(0.1)) setTimeout(() => job.cancel(), random.below(20));
    await check(await job.promise);
  } finally {
    if (network === undefined) receiver.dispose();
  }
}

/** The ranges that an ordinary calibration gives. */
async function prepare(): Promise<void> {
  network ??= create(NETWORK);
  const data = Float32Array.from({ length: 192 }, (_, i) => Math.sin(i));
  const calibration = [{ dtype: 'float32' as const, shape: [1, 3, 8, 8], data }];
  const normal = { mean: [0, 0, 0], std: [1, 1, 1] };
  const job = network.optimize({ dtype: 'int8', ...normal, calibration, percentile: false, consume: false });
  ranges = (await job.promise).ranges();
}

export const OPTIMIZE: readonly Target[] = [
  { name: 'addon-optimize', run: onOptimize, prepare, bare: true, most: 20_000 },
];
