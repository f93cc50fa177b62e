import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { readWeights, ResNet, Tensor } from '../../lib/index';
import { Trainer, type TrainerOptions } from '../../lib/train';
import type { Layers } from '../../lib/depths';
import { namesIn } from '../../lib/weights/names/namings';
import { run } from '../support/node';

/** Training beside PyTorch: the same weights and batches, from this package and from PyTorch itself. */
const env = process.env.FRAMEWORKS ? { PYTHONPATH: process.env.FRAMEWORKS } : {};
const python = process.env.PYTHON ?? 'python3';
const probe = `import importlib.util as i, sys; sys.exit(not all(map(i.find_spec, ['torch', 'safetensors'])))`;
const found = spawnSync(python, ['-c', probe], { env: { ...process.env, ...env } }).status === 0;
const required = process.env.REQUIRE_FRAMEWORKS === '1';

const CLASSES = 10;
const SHAPE = [8, 3, 32, 32] as const;
const BATCHES = 4;

interface Case {
  name: string;
  layers: 18 | 50;
  steps: number;
  optimizer: object;
  labelSmoothing: number;
  classWeights: number[] | null;
  soft: boolean;
  /** Compared with float64 too, which takes PyTorch a while. */
  reference: boolean;
}

const sgd = { name: 'sgd', lr: 5e-4, momentum: 0.9, dampening: 0, nesterov: false, weightDecay: 1e-4 };
const adamw = { name: 'adamw', lr: 1e-5, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01 };
const plain = { steps: 20, labelSmoothing: 0, classWeights: null, soft: false, reference: false };
const CASES: Case[] = [
  { ...plain, name: 'sgd-18', reference: true, layers: 18, optimizer: sgd },
  { ...plain, name: 'sgd-50', reference: true, layers: 50, optimizer: sgd },
  { ...plain, name: 'nesterov-18', layers: 18, optimizer: { ...sgd, nesterov: true } },
  { ...plain, name: 'dampening-18', layers: 18, optimizer: { ...sgd, dampening: 0.5 } },
  { ...plain, name: 'adamw-18', layers: 18, optimizer: adamw },
  { ...plain, name: 'smoothing-18', layers: 18, optimizer: sgd, labelSmoothing: 0.1 },
  {
    ...plain,
    name: 'weights-18',
    layers: 18,
    optimizer: sgd,
    classWeights: Array.from({ length: CLASSES }, (_, i) => 0.5 + i / CLASSES),
  },
  { ...plain, name: 'soft-18', layers: 18, optimizer: sgd, soft: true },
];

/** Uniform in [0, 1), the same everywhere. */
function* noise(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}

/** A pattern for each class, and noise: data that can be learned. */
function makeBatches(): { x: Float32Array; target: BigInt64Array; soft: Float32Array } {
  const [n, channels, height, width] = SHAPE;
  const random = noise(1);
  const x = new Float32Array(BATCHES * n * channels * height * width);
  const target = new BigInt64Array(BATCHES * n);
  const soft = new Float32Array(BATCHES * n * CLASSES);
  let at = 0;
  for (let image = 0; image < BATCHES * n; image++) {
    const label = (image * 7) % CLASSES;
    target[image] = BigInt(label);
    soft[image * CLASSES + label] = 0.75;
    soft[image * CLASSES + ((label + 3) % CLASSES)] = 0.25;
    for (let c = 0; c < channels; c++) {
      for (let pixel = 0; pixel < height * width; pixel++) {
        const stripe = Math.floor(pixel / (label + 2)) % (c + 2) === 0 ? 1 : -1;
        x[at++] = Math.fround(stripe + random.next().value - 0.5);
      }
    }
  }
  return { x, target, soft };
}

(found || required ? describe : describe.skip)('training, beside PyTorch', () => {
  const folder = mkdtempSync(join(tmpdir(), 'resnet-train-'));
  const data = makeBatches();
  let results: Record<string, Record<string, number[]> & { float32: number[] }>;

  beforeAll(async () => {
    if (!found) throw new Error(`REQUIRE_FRAMEWORKS=1, but ${python} has no torch and safetensors`);
    for (const layers of [18, 50] as const) {
      using net = new ResNet(layers, CLASSES, { seed: 3 });
      await net.save(join(folder, `${layers}.safetensors`));
    }
    const cases = CASES.map((one) => ({ ...one, classes: CLASSES }));
    writeFileSync(join(folder, 'cases.json'), JSON.stringify({ shape: SHAPE, batches: BATCHES, cases }));
    writeFileSync(join(folder, 'x.f32'), data.x);
    writeFileSync(join(folder, 'target.i64'), data.target);
    writeFileSync(join(folder, 'soft.f32'), data.soft);
    const ended = await run(python, [join(__dirname, 'train_torch.py'), folder], { env });
    if (ended.code !== 0) throw new Error(`train_torch.py failed:\n${ended.stderr}`);
    results = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) as typeof results;
  }, 900_000); // beside other tests; a minute alone
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const batch = (step: number, { soft }: Case): [Tensor, Tensor] => {
    const i = step % BATCHES;
    const part = <T extends { slice(from: number, to: number): T }>(values: T, each: number): T =>
      values.slice(i * each, (i + 1) * each);
    const [n] = SHAPE;
    const x = new Tensor(part(data.x, data.x.length / BATCHES), SHAPE);
    if (soft) return [x, new Tensor(part(data.soft, n * CLASSES), [n, CLASSES])];
    return [x, new Tensor(part(data.target, n), [n])];
  };

  async function trainerFor(
    { layers, optimizer, labelSmoothing, classWeights }: Case,
    threads: number,
  ): Promise<Trainer> {
    const net = await ResNet.load(join(folder, `${layers}.safetensors`), { layers: layers as Layers });
    const loss = { name: 'cross-entropy' as const, labelSmoothing, ...(classWeights ? { classWeights } : {}) };
    return new Trainer(net, { optimizer, loss, threads } as TrainerOptions);
  }

  test.each(CASES)('$name: on one thread the losses of PyTorch, bit for bit', async (one) => {
    using trainer = await trainerFor(one, 1);
    const losses: number[] = [];
    for (let step = 0; step < one.steps; step++) losses.push((await trainer.step(...batch(step, one))).loss);
    expect(losses).toEqual(results[one.name]!.float32);
    const mean = (values: number[]): number => values.reduce((sum, loss) => sum + loss) / values.length;
    expect(mean(losses.slice(-BATCHES))).toBeLessThan(mean(losses.slice(0, BATCHES)));
  });

  // How far PyTorch's float32 is from float64: the largest distance of its layouts and thread counts. On untrained
  // networks it grows from step to step, and differs as much from one of them to the next.
  const VARIANTS = ['float32', 'float32-threads', 'float32-nchw', 'float32-nchw-threads'];
  const REFERENCES = CASES.filter(({ reference }) => reference);

  test.each(REFERENCES)('$name: on several threads no farther from float64 than PyTorch is', async (one) => {
    using trainer = await trainerFor(one, 2);
    const { float64, ...variants } = results[one.name]!;
    let allowed = 1e-4;
    for (let step = 0; step < one.steps; step++) {
      const { loss } = await trainer.step(...batch(step, one));
      const distances = Object.values(variants).map((losses) => Math.abs(losses[step]! - float64![step]!));
      allowed = Math.max(allowed, 3 * Math.max(...distances));
      expect(Math.abs(loss - float64![step]!)).toBeLessThanOrEqual(allowed);
    }
  });

  test.each(REFERENCES)("$name: the first step's gradients no farther from float64 than PyTorch's", async (one) => {
    using trainer = await trainerFor(one, 2);
    const gradients = (variant: string): Promise<Map<string, Tensor>> =>
      readWeights(join(folder, `${one.name}-${variant}.safetensors`));
    const exact = await gradients('float64');
    const theirs = await Promise.all(VARIANTS.map(gradients));
    const actual = await trainer.gradients(...batch(0, one));
    expect(actual.size).toBe(exact.size);
    const names = [...actual.keys()];
    namesIn('torchvision', names).forEach((name, i) => {
      const expected = exact.get(name)!.data as Float64Array;
      const distances = theirs.map((tensors) => distance(tensors.get(name)!.toFloat32(), expected));
      const bound = Math.max(1e-5, 3 * Math.max(...distances));
      expect(distance(actual.get(names[i]!)!.toFloat32(), expected)).toBeLessThanOrEqual(bound);
    });
  });
});

/** The largest difference, relative to the largest magnitude. */
function distance(values: Float32Array, exact: Float64Array): number {
  let [largest, difference] = [0, 0];
  for (let i = 0; i < exact.length; i++) {
    // Without a global function: looking one up is slow in jest's context.
    const [value, expected] = [values[i]!, exact[i]!];
    if (expected > largest || -expected > largest) largest = expected < 0 ? -expected : expected;
    if (value - expected > difference) difference = value - expected;
    if (expected - value > difference) difference = expected - value;
  }
  return difference / largest;
}
