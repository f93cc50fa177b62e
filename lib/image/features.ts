import { addon, native, type NativePicture } from '../addon';
import { ResNetError } from '../errors';
import { fromNativeTensor, lookInside, settled } from '../module';
import { boundedMap } from './bounded-map';
import type { ImageClassifier } from './classifier';

/** What of a classifier making features takes. */
type Extractor = ReturnType<typeof ImageClassifier.access>;

/** Enough to keep the cores busy, few enough that answers come soon and memory stays small. */
const BATCH = 8;

/**
 * The features of pictures, in their order: what a search compares and a new last layer learns from. A few pictures
 * are in memory at a time, however many there are.
 *
 * @param onError - told of each picture that cannot be read (ERR_FILE, ERR_IMAGE); undefined stands in its place
 * @returns 512 or 2,048 numbers for each picture
 */
export async function* featuresOf(
  extractor: Extractor,
  images: readonly string[],
  onError: (error: ResNetError) => void,
): AsyncGenerator<Float32Array | undefined> {
  const { network, preprocess, threads = 0 } = extractor;
  const cropped = { ...preprocess, resize: preprocess.crop }; // resizing what has that size already changes nothing
  for (let start = 0; start < images.length; start += BATCH) {
    const batch = await boundedMap(images.slice(start, start + BATCH), addon().threads().cores, async (image) => {
      try {
        return await crop(extractor, image);
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
    const x = await settled(() => native((binding) => binding.preprocess(pictures, cropped)));
    const job = await lookInside(network, x, {}, (handle, input) => handle.forwardFeatures(input, threads));
    const features = fromNativeTensor(job).data as Float32Array;
    const length = features.length / pictures.length;
    let row = 0;
    yield* batch.map((picture) => picture && features.subarray(length * row, length * ++row));
  }
}

/** Cropped at once: a batch of photographs may need gigabytes. */
async function crop({ decode, preprocess }: Extractor, image: string): Promise<NativePicture> {
  const picture = await decode(image, 'a picture');
  const { data } = await settled(() => native((binding) => binding.resizeAndCrop([picture], preprocess)));
  return { data: data as Uint8Array, width: preprocess.crop, height: preprocess.crop };
}

function isUnreadable(error: unknown): error is ResNetError {
  return error instanceof ResNetError && (error.code === 'ERR_FILE' || error.code === 'ERR_IMAGE');
}
