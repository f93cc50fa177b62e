import { join } from 'node:path';
import fc from 'fast-check';
import { BasicBlock, BottleneckBlock, Module, ResNet, ResNetError, OptimizedResNet, Tensor } from '../../../lib/index';
import { Random } from '../random';
import { isPromised } from '../target';
import { junk, typedArray } from '../values';
import { CHANNELS, compare, compareNearly, KINDS, Pair, type World } from './model';

/** One step: what it does to the world, said in words before it is done. */
type Step = (world: World, random: Random) => Promise<void> | void;

const code = (error: unknown): unknown => (error instanceof ResNetError ? error.code : undefined);

/** Runs what may be refused with one of these codes, and nothing else. True where it was not refused. */
function unlessRefused(run: () => unknown, ...codes: readonly string[]): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (codes.includes(String(code(error)))) return false;
    throw error;
  }
}

/** What a disposed module answers everything with, and a busy one every change. */
const refusals = ({ disposed, pending, aborted }: Pair): string[] =>
  disposed ? ['ERR_DISPOSED'] : pending.length > 0 || aborted ? ['ERR_BUSY'] : [];

/** That a disposed module did what was asked is a fault too. */
function changed(pair: Pair, run: () => unknown): boolean {
  const done = unlessRefused(run, ...refusals(pair));
  if (done && pair.disposed) throw new Error('a disposed module works');
  return done;
}

type Resizable = ArrayBuffer & { resize(bytes: number): void };
const Resizing = ArrayBuffer as unknown as new (bytes: number, options: { maxByteLength: number }) => Resizable;

/** An input in memory of some kind, and what spoils it, for the moment after a call has returned. */
function input(pair: Pair, random: Random): { x: Tensor; spoil: () => void } {
  // In train mode a batch norm needs more than one value for each channel.
  const shape = [
    pair.twin.training ? 2 : random.pick([1, 1, 2]),
    CHANNELS[pair.kind],
    random.pick([1, 5, 32]),
    random.pick([1, 3, 32]),
  ];
  const length = shape.reduce((product, dimension) => product * dimension, 1);
  const kind = random.pick(['plain', 'shared', 'resizable', 'part'] as const);
  const resizable = new Resizing(length * 4, { maxByteLength: length * 8 });
  const shared = new SharedArrayBuffer(length * 4) as unknown as ArrayBuffer;
  const arrays = {
    plain: () => new Float32Array(length),
    shared: () => new Float32Array(shared),
    resizable: () => new Float32Array(resizable),
    part: () => new Float32Array(new ArrayBuffer(length * 4 + 64), 32, length),
  };
  const data = arrays[kind]();
  for (let i = 0; i < length; i++) data[i] = random.below(1000) / 500 - 1;
  const spoil = (): void => {
    if (random.chance(0.5)) data.fill(NaN);
    else if (kind === 'resizable') resizable.resize(random.pick([0, 4, length * 8]));
    else if (kind !== 'shared') structuredClone(0, { transfer: [data.buffer] });
  };
  return { x: new Tensor(data, shape), spoil };
}

const add: Step = ({ pairs }, random) => {
  const kind = random.chance(0.1) ? 'resnet' : random.pick(KINDS.slice(0, 2));
  if (pairs.length < 4) pairs.push(new Pair(kind, random.below(4)));
};

const forward: Step = (world, random) => {
  const pair = world.pair(random.bits());
  const { x, spoil } = input(pair, random);
  if (pair.disposed) {
    return pair.real.forward(x).then(
      () => Promise.reject(new Error('a disposed module works')),
      (error: unknown) => (code(error) === 'ERR_DISPOSED' ? undefined : Promise.reject(error as Error)),
    );
  }
  const expected = pair.twin.forwardSync(new Tensor((x.data as Float32Array).slice(), x.shape)).toFloat32();
  // An aborted forward in train mode may have moved the statistics or not.
  if (pair.real.training || random.chance(0.6)) {
    pair.pending.push({ answer: pair.real.forward(x), expected });
  } else {
    const [controller, reason] = [new AbortController(), random.pick([new Error('stop'), 'stop', { stop: true }])];
    pair.aborted = true;
    if (random.chance(0.2)) controller.abort(reason);
    pair.pending.push({ answer: pair.real.forward(x, { signal: controller.signal }), expected, reason });
    if (random.chance(0.5)) queueMicrotask(() => controller.abort(reason));
    else setTimeout(() => controller.abort(reason), random.below(4));
  }
  pair.pending.at(-1)?.answer.catch(() => undefined);
  spoil();
  return undefined;
};

const forwardSync: Step = (world, random) => {
  const pair = world.pair(random.bits());
  const { x } = input(pair, random);
  let answer: Tensor | undefined;
  if (!changed(pair, () => (answer = pair.real.forwardSync(x))) || answer === undefined) return;
  compare(answer.toFloat32(), pair.twin.forwardSync(x).toFloat32());
};

const settle: Step = (world, random) => world.pair(random.bits()).settle();

const train: Step = (world, random) => {
  const pair = world.pair(random.bits());
  const mode = random.chance(0.5);
  if (changed(pair, () => (mode ? pair.real.train() : pair.real.eval()))) pair.twin.train(mode);
};

const sameState = (one: ReadonlyMap<string, Tensor>, other: ReadonlyMap<string, Tensor>): void => {
  if ([...one.keys()].join() !== [...other.keys()].join()) throw new Error('other names in a state');
  for (const [name, { data }] of one) {
    if (Buffer.compare(Buffer.from(data.buffer), Buffer.from(other.get(name)!.data.buffer)) !== 0) {
      throw new Error(`another ${name}`);
    }
  }
};

const stateDict: Step = (world, random) => {
  const pair = world.pair(random.bits());
  if (pair.kind === 'resnet' && random.chance(0.7)) return;
  let state: Map<string, Tensor> | undefined;
  if (changed(pair, () => (state = pair.real.stateDict())) && state) sameState(state, pair.twin.stateDict());
};

const loadStateDict: Step = (world, random) => {
  const [pair, from] = [world.pair(random.bits()), world.pair(random.bits())];
  const state = from.twin.stateDict();
  const fits = from.kind === pair.kind;
  if (!fits) {
    unlessRefused(
      () => {
        pair.real.loadStateDict(state);
        throw new Error('a state of another network was taken');
      },
      'ERR_WEIGHTS_MISMATCH',
      'ERR_UNSUPPORTED_MODEL',
      'ERR_DISPOSED',
      'ERR_BUSY',
    );
  } else if (changed(pair, () => pair.real.loadStateDict(state))) pair.twin.loadStateDict(state);
};

/** Some of a state is right and the last of it is not: nothing of it may be written. */
const loadBroken: Step = (world, random) => {
  const pair = world.pair(random.bits());
  const zeroes = ({ dtype, shape, data }: Tensor): Tensor =>
    new Tensor(data instanceof BigInt64Array ? data.slice().fill(9n) : new Float32Array(data.length), shape, dtype);
  const state = new Map([...pair.twin.stateDict()].map(([name, tensor]) => [name, zeroes(tensor)]));
  const last = [...state.keys()].at(-1) ?? '';
  const wrong = random.pick<unknown>([new Tensor([1, 2], [2]), junk(random), undefined]);
  if (random.chance(0.7)) state.set(last, wrong as Tensor);
  else state.set('more', new Tensor([1], [1]));
  try {
    pair.real.loadStateDict(state);
  } catch (error) {
    if (!isPromised(error)) throw error;
    return;
  }
  throw new Error('a broken state was taken');
};

const to: Step = (world, random) => {
  const pair = world.pair(random.bits());
  changed(pair, () => pair.real.to('cpu'));
  unlessRefused(
    () => pair.real.to(random.pick(['tpu', 'cuda:99', '', 'cpu:1', 'cuda']) as 'cpu'),
    'ERR_DEVICE',
    'ERR_CUDA_VARIANT',
    'ERR_CUDA_LIBRARY',
    'ERR_CUDA_DRIVER',
    'ERR_CUDA_INDEX',
    ...refusals(pair),
  );
};

const dispose: Step = (world, random) => {
  const pair = world.pair(random.bits());
  if (random.chance(0.5)) return;
  pair.real.dispose();
  pair.disposed = true;
};

function resnetOf({ real }: Pair): ResNet {
  if (!(real instanceof ResNet)) throw new Error('a block where a ResNet should be');
  return real;
}

/** A network in bfloat16 or int8, of which we know no answer to the digit: it answers each picture, and ends. */
async function rounded(network: OptimizedResNet, x: Tensor, early: boolean): Promise<void> {
  const running = network.forward(x);
  if (early) network.dispose();
  const answer = await running;
  network.dispose();
  if (answer.shape[0] !== x.shape[0] || answer.shape[1] !== 3)
    throw new Error(`logits of shape ${String(answer.shape)}`);
}

const optimize: Step = async (world, random) => {
  const pair = world.pairs.find(({ kind }) => kind === 'resnet');
  if (pair === undefined) return;
  const dtype = random.pick(['float32', 'float32', 'int8', 'bfloat16', 'float64'] as const);
  const { x } = input(pair, random);
  const calibration = dtype === 'int8' && random.chance(0.8) ? [x] : undefined;
  let fast: OptimizedResNet;
  try {
    fast = await resnetOf(pair).optimize({ dtype: dtype as 'float32', threads: 1, calibration });
  } catch (error) {
    if (!isPromised(error)) throw error;
    return;
  }
  if (dtype !== 'float32') {
    await rounded(fast, x, random.chance(0.5));
    return;
  }
  pair.fast = fast;
  const expected = construct(pair).forwardSync(x).toFloat32();
  const running = fast.forward(x);
  const ends = random.chance(0.5);
  if (ends) fast.dispose();
  compareNearly((await running).toFloat32(), expected);
  if (!ends && random.chance(0.5)) return;
  fast.dispose();
  pair.fast = undefined;
};

/** As the pair's network is now, in eval mode. */
function construct(pair: Pair): Module {
  const fresh = new ResNet(18, 3, { seed: 9 });
  fresh.loadStateDict(pair.twin.stateDict());
  return fresh;
}

const saveAndLoad: Step = async (world, random) => {
  const pair = world.pairs.find(({ kind, disposed }) => kind === 'resnet' && !disposed);
  if (pair === undefined || random.chance(0.5)) return;
  await pair.settle();
  const path = join(world.folder, 'saved.safetensors');
  await resnetOf(pair).save(path);
  using loaded = await ResNet.load(path);
  sameState(loaded.stateDict(), pair.twin.stateDict());
};

/** Every method, on a receiver that may be anything, with arguments that may be anything. */
const METHODS: readonly (readonly [object, string | symbol])[] = [Module, ResNet, OptimizedResNet].flatMap((type) =>
  Reflect.ownKeys(type.prototype)
    .filter((name) => name !== 'constructor')
    .map((name) => [type.prototype as object, name] as const),
);

const anything: Step = async (world, random) => {
  const [prototype, name] = random.pick(METHODS);
  const pair = world.pair(random.bits());
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name) ?? {};
  const method = (Reflect.get(descriptor, 'get') ?? Reflect.get(descriptor, 'value')) as () => unknown;
  const receiver = random.chance(0.4) ? pair.real : random.chance(0.5) ? junk(random) : Object.create(pair.real);
  const own = receiver === pair.real;
  // What is right there would change the state, or end it, as other steps do.
  if (own && [Symbol.dispose, 'dispose', 'train', 'save'].includes(name)) return;
  const values = Array.from({ length: random.below(3) }, () => junk(random));
  try {
    await Reflect.apply(method, receiver, values);
  } catch (error) {
    if (!isPromised(error)) throw error;
  } finally {
    // eval() may have been among them, and is refused only while a forward still runs.
    if (own && !pair.disposed) pair.twin.train(pair.real.training);
  }
};

const constructAnything: Step = async (_, random) => {
  const Type = random.pick<new (...values: never[]) => Module>([BasicBlock, BottleneckBlock, ResNet]);
  const huge = random.pick([2 ** 20, 2 ** 20 + 1, 2 ** 31, -1, 0, 0.5]);
  const values = random.chance(0.5)
    ? [2, 4, 1, junk(random)]
    : random.chance(0.5)
      ? [huge, huge, 1, { device: 'meta' }]
      : [junk(random), junk(random), junk(random), junk(random)];
  try {
    Reflect.construct(Type, values).dispose();
    await ResNet.load(junk(random) as string, junk(random) as object).then((net) => net.dispose());
  } catch (error) {
    if (!isPromised(error)) throw error;
  }
};

/** Inputs that are no tensors, no longer, or not such as they say. */
const spoiltInput: Step = async (world, random) => {
  const pair = world.pair(random.bits());
  const { x } = input(pair, random);
  const fields = ['data', 'shape', 'dtype'];
  const made = (): unknown => {
    switch (random.below(4)) {
      case 0:
        return Object.assign(x, { [random.pick(fields)]: random.chance(0.5) ? junk(random) : typedArray(random) });
      case 1:
        return Object.assign(Object.create(Tensor.prototype) as object, { ...x, [random.pick(fields)]: junk(random) });
      case 2:
        return Object.assign(x, {
          shape: random.pick([[1, 2, 2 ** 20, 2 ** 20], [2 ** 52, 2, 1, 1], [1, 2, -1, 1], x.data]),
        });
      default:
        return junk(random);
    }
  };
  const options = random.chance(0.5) ? [] : [random.chance(0.5) ? { signal: junk(random) } : junk(random)];
  try {
    const method = Reflect.get(pair.real, random.pick(['forward', 'forwardSync'])) as () => unknown;
    await Reflect.apply(method, pair.real, [made(), ...options] as unknown as []);
  } catch (error) {
    if (!isPromised(error)) throw error;
    return;
  }
  // It was taken after all: then it has run as it said, and train mode has moved the twin no further.
  if (!pair.disposed && pair.real.training) {
    await pair.settle();
    pair.twin.loadStateDict(pair.real.stateDict());
  }
};

const STEPS: Readonly<Record<string, readonly [weight: number, Step]>> = {
  add: [2, add],
  forward: [8, forward],
  forwardSync: [4, forwardSync],
  settle: [3, settle],
  train: [3, train],
  stateDict: [2, stateDict],
  loadStateDict: [2, loadStateDict],
  loadBroken: [2, loadBroken],
  to: [1, to],
  dispose: [1, dispose],
  optimize: [1, optimize],
  saveAndLoad: [1, saveAndLoad],
  anything: [6, anything],
  constructAnything: [2, constructAnything],
  spoiltInput: [6, spoiltInput],
};

/** A step as fast-check has it: its seed is all that it is made of, so that it does the same when it is run again. */
class Command implements fc.AsyncCommand<object, World> {
  constructor(
    readonly name: string,
    readonly seed: number,
    readonly step: Step,
    readonly onStep: (words: string) => void,
  ) {}

  check(): boolean {
    return true;
  }

  async run(_: object, world: World): Promise<void> {
    if (world.pairs.length === 0) world.pairs.push(new Pair('basic', 1));
    this.onStep(this.toString());
    await this.step(world, new Random(this.seed, 0));
  }

  toString(): string {
    return `${this.name}(${this.seed})`;
  }
}

/** Sequences of steps, one after the other, in any order. */
export function sequences(onStep: (words: string) => void): fc.Arbitrary<Iterable<fc.AsyncCommand<object, World>>> {
  const steps = Object.entries(STEPS).flatMap(([name, [weight, step]]) =>
    new Array<[string, Step]>(weight).fill([name, step]),
  );
  const command = fc
    .tuple(fc.constantFrom(...steps), fc.nat())
    .map(([[name, step], seed]) => new Command(name, seed, step, onStep));
  return fc.commands([command], { maxCommands: 40, size: 'max' });
}
