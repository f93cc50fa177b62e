import type { ResNetError } from '../errors';
import type { ClassifierAccess } from './classifier';
import { batchOf } from './pictures';

/** Pictures in one forward: enough to keep the cores busy, few enough that memory stays small. */
const BATCH = 8;

/**
 * The features of pictures, in their order: what a search compares and a new last layer learns from. A few pictures
 * are in memory at a time, however many there are.
 *
 * @param onError - told of each picture that cannot be read (ERR_FILE, ERR_IMAGE); undefined stands in its place
 * @returns 512 or 2,048 numbers for each picture
 */
export async function* featuresOf(
  classifier: ClassifierAccess,
  images: readonly string[],
  onError: (error: ResNetError) => void,
): AsyncGenerator<Float32Array | undefined> {
  const { network, pictures } = classifier;
  for await (const cropped of pictures.batches(images, { most: BATCH, name: () => 'a picture', onError })) {
    const read = cropped.filter((picture) => picture !== undefined);
    if (read.length === 0) {
      yield* cropped.map(() => undefined);
      continue;
    }
    const features = (await network.forwardFeatures(batchOf(read))).toFloat32();
    const length = features.length / read.length;
    let row = 0;
    yield* cropped.map((picture) => picture && features.subarray(length * row, length * ++row));
  }
}
