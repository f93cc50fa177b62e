import type { Layers } from '../depths';
import { ResNetError, inspect } from '../errors';
import { checkClassifierOptions } from '../image/classifier-options';
import { openModel } from '../image/open-model';
import type { ResolvedPreprocess } from '../image/preprocess';
import type { ForwardOptions } from '../module';
import { addon } from '../native/addon';
import type { OptimizedResNet } from '../optimized';
import { summary } from '../summary';
import type { Tensor } from '../tensor';
import type { Activation } from '../weights/source/activation';
import type { ModelOptions } from './options';

/** The part of {@link OptimizedResNet} that the server uses; tests pass others. */
export interface Network {
  forward(x: Tensor, options?: ForwardOptions): Promise<Tensor>;
  forwardFeatures(x: Tensor, options?: ForwardOptions): Promise<Tensor>;
  explain: OptimizedResNet['explain'];
  dispose(): void;
}

/** A network that is served, and what is known about it. */
export interface Model {
  readonly name: string;
  readonly network: Network;
  readonly layers: Layers;
  readonly numClasses: number;
  readonly labels: readonly string[];
  readonly activation: Activation;
  readonly dtype: string;
  readonly device: string;
  readonly preprocess: ResolvedPreprocess;
  /** The number of batches that run at the same time. */
  readonly streams: number;
  /** True if the network is untrained, and its answers are meaningless. */
  readonly random: boolean;
  readonly parameters: number;
  /** The article's table. */
  readonly summary: string;
  /** What loading the weights warned of. */
  readonly warnings?: readonly string[];
}

/**
 * Opens a model as ImageClassifier does, and describes it.
 *
 * @throws as ResNet.load and ResNet.optimize
 */
export async function loadModel(options: ModelOptions): Promise<Model> {
  const { name, ...modelOptions } = options;
  checkClassifierOptions(modelOptions);
  let [streams, parameters, table] = [0, 0, ''];
  const warnings: string[] = [];
  const onWarning = (message: string): void => void warnings.push(message);
  const { network, ...opened } = await openModel({ ...modelOptions, onWarning }, (loaded, { crop }) => {
    streams = options.streams ?? (loaded.device === 'cpu' ? addon().threads().cores : 2);
    parameters = loaded.parameterCount({ count: 'parameters' });
    table = String(summary(loaded, [null, 3, crop, crop]));
    return { streams, calibration: options.calibration };
  });
  const { layers, numClasses, dtype, device } = network;
  return {
    ...opened,
    name: name ?? `resnet${layers}`,
    network,
    layers,
    numClasses,
    dtype,
    device,
    streams,
    parameters,
    summary: table,
    warnings,
  };
}

/** Loads models one after the other, so that only one float32 copy is in memory at a time. */
export async function loadModels(options: readonly ModelOptions[]): Promise<Model[]> {
  const models: Model[] = [];
  try {
    for (const each of options) {
      const model = await loadModel(each);
      models.push(model);
      if (models.some((other) => other !== model && other.name === model.name)) {
        throw new ResNetError(
          'ERR_ARGUMENT',
          `models must have names that differ, but got ${inspect(model.name)} twice.`,
        );
      }
    }
    return models;
  } catch (error) {
    for (const { network } of models) network.dispose();
    throw error;
  }
}
