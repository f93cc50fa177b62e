import type { Command } from 'commander';
import { SUPPORTED_LAYERS, type Layers } from '../depths';
import { ImageClassifier, isRandom, type ImageClassifierOptions } from '../image/classifier';
import { parseCount, parseLayers } from './options';

/** The options of a command that runs a network on pictures. */
export interface NetworkFlags {
  weights?: string;
  layers?: Layers;
  device?: string;
  threads?: number;
  labels?: string;
}

export function addNetworkOptions(command: Command): Command {
  return command
    .option('--weights <file>', 'a weight file; random or random:SEED for an untrained network, for trials')
    .option('--layers <n>', `${SUPPORTED_LAYERS.join(', ')}; default: as the file tells, 50 for random`, parseLayers)
    .option('--device <name>', 'cpu, cuda or cuda:N; default: cpu')
    .option('--threads <n>', 'cores to use; default: all', parseCount);
}

/** Makes the network that the flags ask for, and says so where it is an untrained one. */
export async function openClassifier(flags: NetworkFlags, command: Command): Promise<ImageClassifier> {
  const { weights, layers, device, threads, labels } = flags;
  if (weights === undefined) {
    command.error(
      `error: ${command.name()} needs weights: --weights FILE for a trained network (safetensors, …), ` +
        'or --weights random for an untrained one, for trials',
      { exitCode: 2 },
    );
  }
  // What the types rule out, the classifier refuses with a message of its own.
  const options = { weights, layers, device, threads, labels } as ImageClassifierOptions;
  const classifier = await ImageClassifier.create(options);
  if (isRandom(weights)) {
    process.stderr.write('These weights are random: the network is untrained and its answers mean nothing.\n');
  }
  return classifier;
}
