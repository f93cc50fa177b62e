import type { ResNetError } from '../errors';
import { IN_PLACE, type InternalForwardOptions } from '../optimized';
import type { ClassifierInternals } from './classifier';
import type { Image } from './image';

/** Pictures in one forward: enough to keep the cores busy, few enough that memory stays small. */
const BATCH_SIZE = 8;

/**
 * The features of pictures, in their order: what a search compares and a new last layer learns from. A few pictures
 * are in memory at a time, however many there are.
 *
 * @param onError - called for each picture that cannot be read (ERR_FILE, ERR_IMAGE) or whose features are not finite
 *   (ERR_NOT_FINITE); `undefined` takes its place
 * @returns 512 or 2,048 numbers for each picture
 */
export function featuresOf(
  { network, pictures }: ClassifierInternals,
  images: readonly Image[],
  onError: (error: ResNetError) => void,
): AsyncGenerator<Float32Array | undefined> {
  const forwardOptions: InternalForwardOptions = { [IN_PLACE]: true };
  return pictures.forwardAll(images, { batchSize: BATCH_SIZE, name: () => 'a picture', onError }, (batch) =>
    network.forwardFeatures(batch, forwardOptions),
  );
}
