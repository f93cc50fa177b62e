import { OptimizedResNet, ResNet, ResNetError, Tensor } from '../../../lib/index';
import type { Random } from '../random';
import type { Target } from '../target';

/** NaN and infinity in inputs and weights: where the eager network answers NaN, so does the optimized one. */

const SPECIAL = [NaN, Infinity, -Infinity];
const DTYPES = ['float32', 'bfloat16', 'int8'] as const;

let network: ResNet | undefined;
let state: Map<string, Tensor> | undefined;
let calibrated: OptimizedResNet | undefined;

async function prepare(): Promise<void> {
  network ??= new ResNet(18, 3, { seed: 1 });
  state ??= network.stateDict();
  const x = new Tensor(
    Float32Array.from({ length: 768 }, (_, i) => Math.sin(i)),
    [1, 3, 16, 16],
  );
  calibrated ??= await network.optimize({ dtype: 'int8', calibration: [x] });
}

const damage = (random: Random, values: Float32Array): void => {
  values[random.below(values.length)] = random.pick(SPECIAL);
};

async function onNotFinite(random: Random): Promise<void> {
  const net = network!;
  const shape = [random.pick([1, 1, 2, 7]), 3, 1 + random.below(20), 1 + random.below(20)];
  const length = shape.reduce((product, side) => product * side);
  const values = Float32Array.from({ length }, (_, i) => Math.sin(i));
  const hasWeights = random.chance(0.5);
  const restored = new Map<string, Tensor>();
  if (hasWeights) {
    const name = random.pick([...state!.keys()].filter((key) => !key.endsWith('num_batches_tracked')));
    const { data, shape: itsShape } = state!.get(name)!;
    restored.set(name, new Tensor(data, itsShape));
    const changed = Float32Array.from(data as Float32Array);
    damage(random, changed);
    net.loadStateDict(new Map([[name, new Tensor(changed, itsShape)]]), { strict: false });
  } else {
    damage(random, values);
  }
  try {
    const dtype = random.pick(DTYPES);
    const x = new Tensor(values, shape);
    const expected = (await net.forward(x)).toFloat32();
    const fast = dtype === 'int8' && !hasWeights ? calibrated! : await optimize(net, dtype, x);
    if (fast === undefined) return;
    const actual = (await fast.forward(x)).toFloat32();
    if (fast !== calibrated) fast.dispose();
    const lost = expected.findIndex((value, i) => Number.isNaN(value) && !Number.isNaN(actual[i]));
    if (lost !== -1) throw new Error(`logit ${lost} is NaN, but ${actual[lost]} in ${dtype}`);
  } catch (error) {
    if (!(error instanceof ResNetError && error.code === 'ERR_NOT_FINITE')) throw error;
  } finally {
    net.loadStateDict(restored, { strict: false });
  }
}

/** @returns undefined where int8 cannot be calibrated, as the network answers NaN */
async function optimize(net: ResNet, dtype: (typeof DTYPES)[number], x: Tensor): Promise<OptimizedResNet | undefined> {
  try {
    return await net.optimize(dtype === 'int8' ? { dtype, calibration: [x] } : { dtype });
  } catch (error) {
    if (dtype === 'int8' && error instanceof ResNetError && error.code === 'ERR_CALIBRATION') return undefined;
    throw error;
  }
}

export const NOT_FINITE: readonly Target[] = [{ name: 'not-finite', run: onNotFinite, prepare, most: 20_000 }];
