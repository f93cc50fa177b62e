import type { Layers } from '../depths';
import { sourceOf, type WeightSource } from '../weights/source/read-source';

/**
 * What the files beside a weight file tell of the network that was loaded from it: labels and preprocessing. Nothing
 * where they describe another network, of another depth or with other classes: they are another file's then.
 *
 * @throws ERR_FILE, ERR_WEIGHTS_FORMAT
 */
export async function sourceOfNetwork(
  weights: string,
  network: { layers: Layers; numClasses: number },
): Promise<Partial<WeightSource>> {
  const source = await sourceOf(weights);
  if (source?.layers !== network.layers) return {};
  return (source.numClasses ?? network.numClasses) === network.numClasses ? source : {};
}
