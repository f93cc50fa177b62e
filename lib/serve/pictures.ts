import { addon } from '../addon';
import { Pictures } from '../image/pictures';
import type { ResolvedPreprocess } from '../image/preprocess';
import { Semaphore } from './semaphore';

/** What a network takes: 8-bit RGB [height, width, 3], or float32 [3, height, width]. */
export interface Pixels {
  data: Uint8Array | Float32Array;
  height: number;
  width: number;
}

/** Decodes and crops pictures off the event loop, a few at a time: each may be large until it is cropped. */
export class PictureReader {
  readonly #pictures: Pictures;
  #places: Semaphore | undefined;

  constructor(preprocess: ResolvedPreprocess, maxPixels: number) {
    this.#pictures = new Pictures(preprocess, maxPixels);
  }

  /** @throws ERR_IMAGE, or the signal's reason */
  read(bytes: Uint8Array, argument: string, signal: AbortSignal): Promise<Pixels> {
    this.#places ??= new Semaphore(addon().threads().cores);
    return this.#places.run(() => {
      signal.throwIfAborted(); // waiting took a while
      return this.#pictures.crop(bytes, argument, signal);
    });
  }
}
