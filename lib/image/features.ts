import { addon } from '../addon';
import type { ResNetError } from '../errors';
import { boundedMap } from './bounded-map';
import { isUnreadable, type ClassifierAccess } from './classifier';
import { batchOf } from './pictures';

/** Pictures in one forward: enough to keep the cores busy, few enough that memory stays small. */
const BATCH = 8;
/** Pixels in one forward, after cropping: large crops come in smaller batches. */
const MOST_CROPPED = BATCH * 512 ** 2;

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
  const { network, pictures: reader } = classifier;
  const most = Math.max(1, Math.min(BATCH, Math.floor(MOST_CROPPED / reader.preprocess.crop ** 2)));
  for (let start = 0; start < images.length; start += most) {
    const batch = await boundedMap(images.slice(start, start + most), addon().threads().cores, async (image) => {
      try {
        return await reader.crop(image, 'a picture');
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        onError(error);
        return undefined;
      }
    });
    const pictures = batch.filter((picture) => picture !== undefined);
    if (pictures.length === 0) {
      yield* batch.map(() => undefined);
      continue;
    }
    const features = (await network.forwardFeatures(batchOf(pictures))).toFloat32();
    const length = features.length / pictures.length;
    let row = 0;
    yield* batch.map((picture) => picture && features.subarray(length * row, length * ++row));
  }
}
