import { addon, native, type NativePreprocess } from '../addon';
import { decode, MOST_PIXELS } from '../image/decode';
import { checkResized } from '../image/preprocess';
import { settled } from '../module';
import { Semaphore } from './semaphore';

/** What a network takes: 8-bit RGB [height, width, 3], or float32 [3, height, width]. */
export interface Pixels {
  data: Uint8Array | Float32Array;
  height: number;
  width: number;
}

/** Decodes and crops pictures off the event loop, a few at a time: each may be large until it is cropped. */
export class PictureReader {
  readonly #preprocess: Readonly<NativePreprocess>;
  readonly #maxPixels: number;
  #places: Semaphore | undefined;

  constructor(preprocess: Readonly<NativePreprocess>, maxPixels: number) {
    this.#preprocess = preprocess;
    this.#maxPixels = maxPixels;
  }

  /** @throws ERR_IMAGE, or the signal's reason */
  read(bytes: Uint8Array, argument: string, signal: AbortSignal): Promise<Pixels> {
    this.#places ??= new Semaphore(addon().threads().cores);
    return this.#places.run(async () => {
      signal.throwIfAborted(); // waiting took a while
      const picture = await decode(bytes, { maxPixels: this.#maxPixels, argument });
      const { crop, resize } = this.#preprocess;
      checkResized(picture, resize, Math.max(this.#maxPixels, MOST_PIXELS), argument);
      const cropped = await settled(
        () => native((binding) => binding.resizeAndCrop([picture], this.#preprocess)),
        signal,
      );
      return { data: cropped.data as Uint8Array, height: crop, width: crop };
    });
  }
}
