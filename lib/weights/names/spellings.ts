import { articleSpec } from './article';
import { ALL_NAMINGS, namesIn, type Naming } from './namings';

/** How the tensors of a ResNet's backbone are named under a common prefix in a file, and how to read those names. */
export interface Spelling {
  naming: Naming;
  /** The file's name of a tensor, from its name in the naming. */
  spell: (name: string) => string;
  /** The other way round; names of no backbone stay as they are. */
  read: (name: string) => string;
  /** The name of a tensor that every ResNet has, and few other networks. */
  anchor: string;
  /** All names that even the smallest ResNet has, without its head and counters. Every other one's names include them. */
  required: readonly string[];
  /** A convolution with as many outputs as the head has inputs. */
  lastConvolution: string;
  /** The position of the last stage, for names that are positions in a Sequential: the head comes behind it. */
  lastStage?: number;
}

const SMALLEST = articleSpec(18, 1).map(({ name }) => name);

function spelling(naming: Naming, changes: Partial<Pick<Spelling, 'spell' | 'read' | 'lastStage'>> = {}): Spelling {
  const same = (name: string): string => name;
  const { spell = same, read = same } = changes;
  const names = namesIn(naming, SMALLEST).map(spell);
  const at = (article: string): string => names[SMALLEST.indexOf(article)] as string;
  return {
    ...changes,
    naming,
    spell,
    read,
    anchor: at('residual_block.0.conv_bn_block1.0.weight'),
    lastConvolution: at('residual_block.6.down_sample_block.0.weight'),
    required: names.filter((_, i) => !/^fc\.|\.num_batches_tracked$/.test(SMALLEST[i] as string)),
  };
}

/** torchvision's members in order: conv1, bn1, relu, maxpool, layer1, …, avgpool, fc. */
const MEMBERS = new Map([
  ['conv1', '0'],
  ['bn1', '1'],
  ['layer1', '4'],
  ['layer2', '5'],
  ['layer3', '6'],
  ['layer4', '7'],
]);
const POSITIONS = new Map([...MEMBERS].map(([member, position]) => [position, member]));

const renameFirst =
  (names: ReadonlyMap<string, string>) =>
  (name: string): string => {
    const [first = '', ...rest] = name.split('.');
    return [names.get(first) ?? first, ...rest].join('.');
  };

/** All known spellings; where a file fits several, the first one wins. */
export const SPELLINGS: readonly Spelling[] = [
  ...ALL_NAMINGS.map((naming) => spelling(naming)),
  // nn.Sequential(*resnet.children()), and fastai, whose learners are made of one.
  spelling('torchvision', { spell: renameFirst(MEMBERS), read: renameFirst(POSITIONS), lastStage: 7 }),
  // Hugging Face's ResNetModel, the network without its classifier.
  spelling('huggingface', {
    spell: (name) => name.replace(/^resnet\./, ''),
    read: (name) => name.replace(/^(embedder|encoder)\./, 'resnet.$&'),
  }),
];
