import { native, type NativePicture } from '../addon';
import { settled } from '../module';
import { Tensor } from '../tensor';
import { decode, MOST_PIXELS, type Image } from './decode';
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
    checkResized(picture, this.preprocess.resize, Math.max(this.#maxPixels, MOST_PIXELS), argument);
    return picture;
  }

  /** Decodes a picture and cuts out what the network gets of it: a list of photographs would need gigabytes. */
  async crop(image: Image, argument: string, signal?: AbortSignal): Promise<NativePicture> {
    const picture = await this.decode(image, argument);
    const { data } = await settled(
      () => native((binding) => binding.resizeAndCrop([picture], this.preprocess)),
      signal,
    );
    const { crop } = this.preprocess;
    return { data: data as Uint8Array, width: crop, height: crop };
  }
}

/** Cropped pictures as an optimised network takes them: uint8 [N, H, W, 3]. */
export function batchOf(cropped: readonly NativePicture[]): Tensor {
  const [{ width, height } = { width: 0, height: 0 }] = cropped;
  const bytes = new Uint8Array(cropped.length * width * height * 3);
  cropped.forEach(({ data }, i) => bytes.set(data, i * width * height * 3));
  return new Tensor(bytes, [cropped.length, height, width, 3]);
}
