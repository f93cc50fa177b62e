import type { Layers } from '../../depths';
import { badArgument } from '../../errors';
import { weightsFolder } from './cache';
import { download, type DownloadOptions, type RetryPolicy, type RemoteFile } from './download';
import { isWeb } from './proxy';
import { publishedWeights, type PublishedWeights, type WeightsName } from './catalog';

/**
 * Downloads published weights unless the cache has them, and returns the path of the file.
 *
 * @throws ERR_ARGUMENT, ERR_UNSUPPORTED_LAYERS; as {@link download} otherwise
 */
export async function fetchWeights(
  name: WeightsName,
  layers: Layers | undefined,
  options: DownloadOptions & Partial<RetryPolicy> = {},
): Promise<string> {
  const { onProgress } = options;
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw badArgument('onProgress', 'a function', onProgress);
  }
  return download(remoteFile(publishedWeights(name, layers)), weightsFolder(), options);
}

function remoteFile({ url, sha256, mebibytes }: PublishedWeights): RemoteFile {
  const name = url.slice(url.lastIndexOf('/') + 1);
  const maxBytes = Math.ceil((mebibytes + 0.001) * 2 ** 20); // the published size is rounded to a thousandth
  return { url: resolveUrl(url, name), name, sha256, maxBytes };
}

/** LIBTORCH_RESNET_WEIGHTS_URL names a mirror of torchvision's folder of files. */
function resolveUrl(url: string, name: string): URL {
  const mirror = process.env.LIBTORCH_RESNET_WEIGHTS_URL;
  if (!mirror) return new URL(url);
  const folder = `${mirror.replace(/\/+$/, '')}/`;
  const address = URL.canParse(name, folder) ? new URL(name, folder) : undefined;
  if (address !== undefined && isWeb(address)) return address;
  throw badArgument('LIBTORCH_RESNET_WEIGHTS_URL', 'an http or https address', mirror);
}
