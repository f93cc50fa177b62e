import { addon, native, type NativePicture } from '../addon';
import { ResNetError } from '../errors';
import { settled } from '../module';
import { Tensor } from '../tensor';
import { boundedMap } from './limiter';
import { decode, MAX_PIXELS, type Image } from './decode';
import { checkResized, type ResolvedPreprocess } from './preprocess';

/** Reads pictures for a network. */
export class Pictures {
  readonly preprocess: ResolvedPreprocess;
  readonly #maxPixels: number;

  constructor(preprocess: ResolvedPreprocess, maxPixels: number) {
    this.preprocess = preprocess;
    this.#maxPixels = maxPixels;
  }

  /** @param argument - what an error calls the picture. @throws ERR_FILE, ERR_IMAGE */
  async decode(image: Image, argument: string): Promise<NativePicture> {
    const picture = await decode(image, { maxPixels: this.#maxPixels, argument });
    checkResized(picture, this.preprocess.resize, Math.max(this.#maxPixels, MAX_PIXELS), argument);
    return picture;
  }

  /** Decodes a picture and cuts out what the network gets of it: a list of photographs would need gigabytes. */
  async crop(image: Image, argument: string, signal?: AbortSignal): Promise<NativePicture> {
    const picture = await this.decode(image, argument);
    const { data } = await settled(
      () => native((binding) => binding.resizeAndCrop([picture], this.preprocess)),
      signal,
    );
    discard([picture]);
    const { crop } = this.preprocess;
    return { data: data as Uint8Array, width: crop, height: crop };
  }

  /**
   * Crops pictures batch by batch, in their order: a few of them are in memory as they were at a time.
   *
   * @param asked.most - pictures in a batch
   * @param asked.name - what an error calls a picture
   * @param asked.onError - takes what cannot be read (ERR_FILE, ERR_IMAGE), and undefined stands in its place; without
   *   it the first error ends it all
   */
  async *batches(
    images: readonly Image[],
    asked: {
      most: number;
      name: (index: number) => string;
      signal?: AbortSignal | undefined;
      onError?: ((error: ResNetError, index: number) => void) | undefined;
    },
  ): AsyncGenerator<(NativePicture | undefined)[]> {
    const { name, signal, onError } = asked;
    const most = Math.max(
      1,
      Math.min(asked.most, Math.floor((asked.most * MAX_PIXELS_EACH) / this.preprocess.crop ** 2)),
    );
    for (let start = 0; start < images.length; start += most) {
      const decoded = Math.min(addon().threads().cores, MAX_DECODED);
      yield await boundedMap(images.slice(start, start + most), decoded, async (image, i) => {
        signal?.throwIfAborted();
        try {
          return await this.crop(image, name(start + i), signal);
        } catch (error) {
          if (onError === undefined || !isUnreadable(error)) throw error;
          onError(error, start + i);
          return undefined;
        }
      });
    }
  }
}

/** Pixels in one batch, after cropping, for each picture that it may hold: large crops come in small batches. */
const MAX_PIXELS_EACH = 512 ** 2;
/** Pictures decoded at a time, each up to the pixel limit. (libuv's pool, where sharp works, has four threads.) */
const MAX_DECODED = 8;

function isUnreadable(error: unknown): error is ResNetError {
  return error instanceof ResNetError && (error.code === 'ERR_FILE' || error.code === 'ERR_IMAGE');
}

/** Frees pictures of {@link Pictures} that are done with. */
export function discard(pictures: readonly NativePicture[]): void {
  for (const { data } of pictures) native((binding) => binding.discard(data));
}

/** Cropped pictures as an optimized network takes them: uint8 [N, H, W, 3]. */
export function batchOf(cropped: readonly NativePicture[]): Tensor {
  const [{ width, height } = { width: 0, height: 0 }] = cropped;
  const bytes = new Uint8Array(cropped.length * width * height * 3);
  cropped.forEach(({ data }, i) => bytes.set(data, i * width * height * 3));
  return new Tensor(bytes, [cropped.length, height, width, 3]);
}
