import type sharp from 'sharp';
import { ResNetError } from '../errors';

/**
 * Loads sharp, at its first use, so that the package itself loads without it.
 *
 * @throws ERR_DEPENDENCY with sharp's advice, e.g. if its binary for this platform is not installed
 */
export async function loadSharp(): Promise<typeof sharp> {
  try {
    return (await import('sharp')).default;
  } catch (error) {
    throw new ResNetError('ERR_DEPENDENCY', `Pictures cannot be read: ${explain(error)}`, { cause: error });
  }
}

/** sharp's own message without its links; for any other failed import, how to install it. */
function explain(error: unknown): string {
  const lines = (error as Error).message.split('\n').filter((line) => !/^Possible solutions|^\s+See /.test(line));
  const advice = lines.filter((line, i) => !line.endsWith(':') || /^\s/.test(lines[i + 1] ?? '')); // headings of links
  return [...advice, ...(advice.length > 1 ? [] : ['To install it: npm install --include=optional sharp'])].join('\n');
}
