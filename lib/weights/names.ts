import { badArgument } from '../errors';

/**
 * How others name a ResNet's tensors. The article's names, with torch's leaf names, are what `stateDict()` gives;
 * every other naming is a row of `NAMINGS`.
 */
export type Naming = 'article' | 'torchvision' | 'huggingface' | 'paddle' | 'paddle.vision';

interface NamingRule {
  /** The convolution and the batch norm before the stages. */
  stem: { conv: string; norm: string };
  /** What comes before the members of a stage's block; stages and blocks counted from 0. */
  block: (stage: number, block: number, blockInNetwork: number) => string;
  /** The n-th convolution of a block and its batch norm, counted from 1. */
  conv: (n: number) => string;
  norm: (n: number) => string;
  shortcut: { conv: string; norm: string };
  head: string;
  /** PaddlePaddle's leaves: it has other names for the statistics, and stores `fc.weight` as [in, out]. */
  paddle?: true;
}

const ARTICLE: NamingRule = {
  stem: { conv: 'conv', norm: 'bn' },
  block: (_stage, _block, index) => `residual_block.${index}.`,
  conv: (n) => `conv_bn_block${n}.0`,
  norm: (n) => `conv_bn_block${n}.1`,
  shortcut: { conv: 'down_sample_block.0', norm: 'down_sample_block.1' },
  head: 'fc',
};

const TORCHVISION: NamingRule = {
  stem: { conv: 'conv1', norm: 'bn1' },
  block: (stage, block) => `layer${stage + 1}.${block}.`,
  conv: (n) => `conv${n}`,
  norm: (n) => `bn${n}`,
  shortcut: { conv: 'downsample.0', norm: 'downsample.1' },
  head: 'fc',
};

const NAMINGS: Readonly<Record<Naming, NamingRule>> = {
  article: ARTICLE,
  torchvision: TORCHVISION,
  huggingface: {
    stem: { conv: 'resnet.embedder.embedder.convolution', norm: 'resnet.embedder.embedder.normalization' },
    block: (stage, block) => `resnet.encoder.stages.${stage}.layers.${block}.`,
    conv: (n) => `layer.${n - 1}.convolution`,
    norm: (n) => `layer.${n - 1}.normalization`,
    shortcut: { conv: 'shortcut.convolution', norm: 'shortcut.normalization' },
    head: 'classifier.1',
  },
  paddle: { ...ARTICLE, paddle: true },
  'paddle.vision': { ...TORCHVISION, paddle: true },
};

/** All namings, those that are tried first where a file fits several in front. */
export const ALL_NAMINGS = Object.keys(NAMINGS) as Naming[];

/** Whether a naming's files hold `fc.weight` as [in, out], which its shape alone does not always tell. */
export function storesTransposed(naming: Naming): boolean {
  return NAMINGS[naming].paddle === true;
}

/** @throws ERR_ARGUMENT */
export function checkNaming(naming: Naming | 'auto'): Naming | 'auto' {
  if (naming === 'auto' || ALL_NAMINGS.includes(naming)) return naming;
  throw badArgument('naming', `'auto' or one of ${ALL_NAMINGS.join(', ')}`, naming);
}

/** The namings that are written: PaddlePaddle does not read safetensors, so its names are read only. */
export type WrittenNaming = Exclude<Naming, 'paddle' | 'paddle.vision'>;
export const WRITTEN_NAMINGS = ALL_NAMINGS.filter((naming) => !storesTransposed(naming)) as WrittenNaming[];

const PADDLE_LEAVES: Readonly<Record<string, string>> = { running_mean: '_mean', running_var: '_variance' };

/**
 * The names that the tensors of a module have in a naming, in the same order.
 *
 * @param naming - the naming wanted
 * @param articleNames - all names of a ResNet's or a lone block's `stateDict()`, in order; where the stages begin is
 *   read from them: every stage but the first begins with a block that has a shortcut of its own
 */
export function namesIn(naming: Naming, articleNames: readonly string[]): string[] {
  const rule = NAMINGS[naming];
  const positions = blockPositions(articleNames);
  return articleNames.map((name) => {
    const parts = name.split('.');
    const leaf = parts.pop() ?? '';
    const prefix = parts[0] === 'residual_block' ? rule.block(...(positions.get(Number(parts[1])) ?? [0, 0, 0])) : '';
    const layer = parts[0] === 'residual_block' ? parts.slice(2) : parts;
    return `${prefix}${layerIn(rule, layer)}.${rule.paddle ? (PADDLE_LEAVES[leaf] ?? leaf) : leaf}`;
  });
}

function layerIn(rule: NamingRule, [member, position]: readonly string[]): string {
  if (member === 'conv') return rule.stem.conv;
  if (member === 'bn') return rule.stem.norm;
  if (member === 'fc') return rule.head;
  const part = position === '0' ? 'conv' : 'norm';
  return member === 'down_sample_block' ? rule.shortcut[part] : rule[part](Number(member?.at(-1)));
}

/** For each block of the network: its stage, its place in that stage, its place in the network. */
function blockPositions(articleNames: readonly string[]): Map<number, [number, number, number]> {
  const withShortcut = new Set<number>();
  let count = 0;
  for (const name of articleNames) {
    const [, index, member] = /^residual_block\.(\d+)\.(\w+)/.exec(name) ?? [];
    if (index === undefined) continue;
    count = Math.max(count, Number(index) + 1);
    if (member === 'down_sample_block') withShortcut.add(Number(index));
  }
  const positions = new Map<number, [number, number, number]>();
  let [stage, block] = [0, 0];
  for (let index = 0; index < count; index++) {
    if (index > 0 && withShortcut.has(index)) [stage, block] = [stage + 1, 0];
    positions.set(index, [stage, block, index]);
    block++;
  }
  return positions;
}
