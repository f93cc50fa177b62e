/**
 * torchvision's name for each of the article's, worked out from order alone: both list the same layers in the same
 * order, so this is independent of the package's own table of names.
 */
export function torchvisionNames(articleNames: readonly string[], blocks: readonly number[]): string[] {
  const stageOf = blocks.flatMap((count, stage) => Array.from({ length: count }, (_, i) => `layer${stage + 1}.${i}`));
  const layer = ['conv', 'bn'];
  return articleNames.map((name) => {
    const [head, ...rest] = name.split('.') as [string, ...string[]];
    if (head === 'conv' || head === 'bn') return [`${head}1`, ...rest].join('.');
    if (head !== 'residual_block') return name;
    const [index, block, position, leaf] = rest as [string, string, string, string];
    const member =
      block === 'down_sample_block' ? `downsample.${position}` : `${layer[Number(position)]}${block.slice(-1)}`;
    return `${stageOf[Number(index)]}.${member}.${leaf}`;
  });
}
