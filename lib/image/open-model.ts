import { checkSignal } from '../check';
import { DEFAULT_LAYERS } from '../depths';
import { OptimizedResNet, type OptimizeOptions } from '../optimized';
import { ResNet } from '../resnet';
import { NAMES, parseWeights, type ParsedWeights } from '../weights/parse-weights';
import { planLoad } from '../weights/plan-load';
import { fetchWeights } from '../weights/published/fetch';
import type { Activation } from '../weights/source/activation';
import { HEADLESS, type InternalClassifierOptions } from './classifier-options';
import { readLabels, readNames } from './labels';
import type { ResolvedPreprocess } from './preprocess';
import { resolvePreprocess, sourceOf, type ModelSource } from './source';

/** A network that is ready to run, and what belongs to it. */
export interface OpenedModel {
  network: OptimizedResNet;
  preprocess: ResolvedPreprocess;
  labels: readonly string[];
  activation: Activation;
  /** True if the network is untrained. */
  random: boolean;
}

/**
 * Loads weights with their labels and preprocessing, and optimizes the network.
 *
 * @param options - checked by {@link checkClassifierOptions}
 * @param configure - called with the loaded network before its memory is handed over to the optimized one; returns the
 *   options of {@link ResNet.optimize} that are the caller's own
 * @throws as ResNet.load and ResNet.optimize
 */
export async function openModel(
  options: Omit<InternalClassifierOptions, 'calibration' | 'streams' | 'maxPixels'>,
  configure: (network: ResNet, preprocess: ResolvedPreprocess) => OptimizeOptions | Promise<OptimizeOptions>,
): Promise<OpenedModel> {
  const weights = parseWeights(options.weights);
  const { network: loaded, source } = await loadNetwork(weights, options);
  using network = loaded;
  const preprocess = resolvePreprocess(source, options.preprocess);
  const labels = await readLabels(options.labels ?? source.labels, network.numClasses);
  const { mean, std } = preprocess;
  const { dtype, threads, signal } = options;
  const settings = { dtype, threads, mean, std, signal, ...(await configure(network, preprocess)) };
  // The network's memory moves to the optimized one layer by layer, so that there are never two copies of the weights.
  return {
    network: await OptimizedResNet.from(network, settings, true),
    preprocess,
    labels,
    activation: options.activation ?? source.activation ?? (network.numClasses === 1 ? 'sigmoid' : 'softmax'),
    random: weights.kind === 'random',
  };
}

/** Of a new head, so that all processes that share the weights share the head. */
const HEAD_SEED = 0;

async function loadNetwork(
  weights: ParsedWeights,
  options: InternalClassifierOptions,
): Promise<{ network: ResNet; source: ModelSource }> {
  const { layers, numClasses, device, labels, prefix, onProgress, onWarning, signal } = options;
  checkSignal({ signal });
  if (weights.kind === 'random') {
    const classes = numClasses ?? (labels === undefined ? 1000 : (await readNames(labels)).length);
    return { network: new ResNet(layers ?? DEFAULT_LAYERS, classes, { device, seed: weights.seed }), source: {} };
  }
  const path =
    weights.kind === 'file' ? weights.path : await fetchWeights(weights.name, layers, { onProgress, signal });
  const head = options[HEADLESS] === true ? 'unused' : 'required';
  const plan = await planLoad(path, { layers, numClasses, prefix, head, names: NAMES });
  const source = await sourceOf(weights, plan);
  return { network: await ResNet.fromPlan(plan, { device, seed: HEAD_SEED, onWarning }), source };
}
