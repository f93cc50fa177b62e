import { addon, native, type NativePreprocess } from '../addon';
import { badArgument, ResNetError, show } from '../errors';
import type { Layers } from '../depths';
import { isRandom } from '../image/classifier';
import { readLabels } from '../image/labels';
import { checkPreprocess } from '../image/preprocess';
import { sourceOfNetwork } from '../image/source';
import type { ForwardOptions } from '../module';
import { ResNet } from '../resnet';
import { summary } from '../summary';
import type { Tensor } from '../tensor';
import type { ModelOptions } from './options';

/** What is asked of a network: {@link OptimizedResNet} has it, and tests have others. */
export interface Network {
  forward(x: Tensor, options?: ForwardOptions): Promise<Tensor>;
  forwardFeatures(x: Tensor, options?: ForwardOptions): Promise<Tensor>;
  dispose(): void;
}

/** A network with all that is told of it. */
export interface Model {
  readonly name: string;
  readonly network: Network;
  readonly layers: Layers;
  readonly numClasses: number;
  readonly labels: readonly string[];
  readonly dtype: string;
  readonly device: string;
  readonly preprocess: Readonly<NativePreprocess>;
  /** Batches at the same time. */
  readonly streams: number;
  /** Untrained: the answers mean nothing. */
  readonly random: boolean;
  readonly parameters: number;
  /** The article's table. */
  readonly summary: string;
}

/**
 * Loads weights and labels, and makes the network fast.
 *
 * @throws as ResNet.load and ResNet.optimize
 */
export async function loadModel(options: ModelOptions): Promise<Model> {
  const { weights, dtype = 'float32', calibration, device = 'cpu' } = options;
  if ((device as string) === 'meta') throw badArgument('device', "'cpu', 'cuda' or 'cuda:N'", device, 'ERR_DEVICE');
  const preprocess = checkPreprocess(options.preprocess);
  using source = isRandom(weights) ? untrained(options) : await ResNet.load(weights, options);
  const { layers, numClasses } = source;
  const told = isRandom(weights) ? {} : await sourceOfNetwork(weights, source);
  const labels = await readLabels(options.labels ?? told.labels, numClasses);
  const { cores } = addon().threads();
  const { threads = 1, streams = device === 'cpu' ? cores : 2 } = options;
  const { mean, std } = preprocess;
  const network = await source.optimize({ dtype, calibration, threads, streams, mean, std });
  // One more than what runs networks: cropping the next pictures does not wait for a batch to end.
  native((binding) => binding.ensureStreams(streams + 1));
  using shapes = new ResNet(layers, numClasses, { device: 'meta' });
  return {
    name: options.name ?? `resnet${layers}`,
    network,
    layers,
    numClasses,
    labels,
    dtype,
    device: source.device,
    preprocess,
    streams,
    random: isRandom(weights),
    parameters: source.parameterCount({ count: 'parameters' }),
    summary: String(summary(shapes, [null, 3, preprocess.crop, preprocess.crop])),
  };
}

/** Loads models one after the other, so that memory has one float32 copy at a time. */
export async function loadModels(options: readonly ModelOptions[]): Promise<Model[]> {
  const models: Model[] = [];
  try {
    for (const one of options) {
      const model = await loadModel(one);
      models.push(model);
      if (models.some((other) => other !== model && other.name === model.name)) {
        throw new ResNetError('ERR_ARGUMENT', `models must have names that differ, but got ${show(model.name)} twice.`);
      }
    }
    return models;
  } catch (error) {
    for (const { network } of models) network.dispose();
    throw error;
  }
}

function untrained({ weights, layers = 50, device }: ModelOptions): ResNet {
  const digits = weights.split(':')[1];
  const seed = digits === undefined ? undefined : Number(digits);
  if (digits !== undefined && (!/^\d+$/.test(digits) || !Number.isSafeInteger(seed))) {
    throw new ResNetError(
      'ERR_ARGUMENT',
      `weights must be 'random:SEED' with an integer from 0 to 2^53 - 1, but got ${show(weights)}.`,
    );
  }
  return new ResNet(layers, 1000, { device, seed });
}
