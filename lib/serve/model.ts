import type { Layers } from '../depths';
import { ResNetError, show } from '../errors';
import { checkCreate, isRandom, load } from '../image/classifier-options';
import type { ResolvedPreprocess } from '../image/preprocess';
import type { ForwardOptions } from '../module';
import { addon } from '../native/addon';
import { OptimizedResNet } from '../optimized';
import { ResNet } from '../resnet';
import { summary } from '../summary';
import type { Tensor } from '../tensor';
import type { ModelOptions } from './options';

/** What is asked of a network: {@link OptimizedResNet} has it, and tests have others. */
export interface Network {
  forward(x: Tensor, options?: ForwardOptions): Promise<Tensor>;
  forwardFeatures(x: Tensor, options?: ForwardOptions): Promise<Tensor>;
  explain: OptimizedResNet['explain'];
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
  readonly preprocess: ResolvedPreprocess;
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
  const { name, threads, ...asked } = options;
  checkCreate({ ...asked, threads });
  const { network: loaded, preprocess, labels } = await load(asked);
  using source = loaded;
  const { layers, numClasses, device } = source;
  const parameters = source.parameterCount({ count: 'parameters' });
  const { streams = device === 'cpu' ? addon().threads().cores : 2, dtype = 'float32', calibration } = options;
  const { mean, std } = preprocess;
  // Its memory goes over to the optimized network.
  const network = await OptimizedResNet.from(source, { dtype, calibration, threads, streams, mean, std }, true);
  using shapes = new ResNet(layers, numClasses, { device: 'meta' });
  return {
    name: name ?? `resnet${layers}`,
    network,
    layers,
    numClasses,
    labels,
    dtype,
    device,
    preprocess,
    streams,
    random: isRandom(options.weights),
    parameters,
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
