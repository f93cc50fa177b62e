import type { NetworkInput } from '../image/batch';
import { Limiter } from '../image/limiter';
import { Pictures } from '../image/pictures';
import type { ResolvedPreprocess } from '../image/preprocess';
import { addon, type NativePicture } from '../native/addon';

/** Decodes and crops pictures off the event loop. It bounds how many at a time, since each may be large when decoded. */
export class PictureReader {
  readonly #pictures: Pictures;
  #limiter: Limiter | undefined;

  constructor(preprocess: ResolvedPreprocess, maxPixels: number) {
    this.#pictures = new Pictures(preprocess, maxPixels);
  }

  /** Decodes and crops a picture. @throws ERR_IMAGE, or the signal's reason */
  read(bytes: Uint8Array, argument: string, signal: AbortSignal): Promise<NetworkInput> {
    return this.#run(signal, () => this.#pictures.crop(bytes, argument, signal));
  }

  /** Decodes a picture and passes it to `use` as it is, not cropped. @throws ERR_IMAGE, or the signal's reason */
  readUncropped<T>(
    bytes: Uint8Array,
    argument: string,
    signal: AbortSignal,
    use: (picture: NativePicture, pictures: Pictures) => Promise<T>,
  ): Promise<T> {
    return this.#run(signal, async () => use(await this.#pictures.decode(bytes, argument), this.#pictures));
  }

  #run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    this.#limiter ??= new Limiter(addon().threads().cores);
    return this.#limiter.run(() => {
      signal.throwIfAborted(); // it may have waited for long
      return work();
    });
  }
}
