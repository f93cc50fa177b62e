import { Pictures } from '../image/pictures';
import type { ResolvedPreprocess } from '../image/preprocess';
import { addon, type NativePicture } from '../native/addon';
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

  /** Decodes alone, for what is done with the whole picture. @throws ERR_IMAGE, or the signal's reason */
  whole<T>(
    bytes: Uint8Array,
    argument: string,
    signal: AbortSignal,
    use: (picture: NativePicture, pictures: Pictures) => Promise<T>,
  ): Promise<T> {
    return this.#run(signal, async () => use(await this.#pictures.decode(bytes, argument), this.#pictures));
  }

  /** @throws ERR_IMAGE, or the signal's reason */
  read(bytes: Uint8Array, argument: string, signal: AbortSignal): Promise<Pixels> {
    return this.#run(signal, () => this.#pictures.crop(bytes, argument, signal));
  }

  #run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    this.#places ??= new Semaphore(addon().threads().cores);
    return this.#places.run(() => {
      signal.throwIfAborted(); // waiting took a while
      return work();
    });
  }
}
