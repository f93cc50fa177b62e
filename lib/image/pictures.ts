import { ResNetError } from '../errors';
import { addon, callNative, type NativePicture } from '../native/addon';
import { runJob } from '../native/job';
import type { Tensor } from '../tensor';
import { toBatch } from './batch';
import { boundedMap, Limiter } from './limiter';
import { runStream, type ImageStream } from './stream';
import { decode, MAX_PIXELS } from './decode';
import { checkFinite } from './finite';
import { copyImage, describeImage, type Image } from './image';
import { checkResized, type ResolvedPreprocess } from './preprocess';

/** Options of {@link Pictures.cropAll}. */
export interface CropOptions {
  /** Pictures in a batch at most. */
  batchSize: number;
  /** What an error calls a picture. */
  name: (index: number) => string;
  signal?: AbortSignal | undefined;
  /**
   * Called for each picture that cannot be read (ERR_FILE, ERR_IMAGE), or whose values are not finite (ERR_NOT_FINITE);
   * `undefined` takes its place. Default: the first such error rejects the call.
   */
  onError?: ((error: ResNetError, index: number) => void) | undefined;
}

/**
 * The way from pictures to a network: decode, resize and crop, batch, forward. The network normalizes what it gets,
 * uint8 [N, crop, crop, 3].
 */
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

  /** Resizes and crops a decoded picture for the network. */
  async resizeAndCrop(picture: NativePicture, signal?: AbortSignal): Promise<NativePicture> {
    const { data } = await runJob((binding) => binding.resizeAndCrop([picture], this.preprocess), signal);
    const { crop } = this.preprocess;
    return { data: data as Uint8Array, width: crop, height: crop };
  }

  /** Decodes a picture and keeps only the crop: a list of decoded photographs would need gigabytes. */
  async crop(image: Image, argument: string, signal?: AbortSignal): Promise<NativePicture> {
    const picture = await this.decode(image, argument);
    const cropped = await this.resizeAndCrop(picture, signal);
    discard([picture]);
    return cropped;
  }

  /**
   * Crops pictures batch by batch, in their order. Only a few of them are in memory uncropped at a time. The next batch
   * is cropped while the caller works on the current one.
   */
  async *cropAll(images: readonly Image[], options: CropOptions): AsyncGenerator<(NativePicture | undefined)[]> {
    const { name, signal } = options;
    const batchSize = this.#batchSize(options);
    const decodes = maxDecodes();
    let stopped = false;
    const cropBatch = (start: number): Promise<(NativePicture | undefined)[]> => {
      const batch = boundedMap(images.slice(start, start + batchSize), decodes, async (image, i) => {
        signal?.throwIfAborted();
        if (stopped) return undefined;
        try {
          return await this.crop(image, name(start + i), signal);
        } catch (error) {
          if (stopped) throw error;
          report(error, start + i, options);
          return undefined;
        }
      });
      // Handled here too, because it may fail before anyone awaits it. onError is not called after that.
      batch.catch(() => (stopped = true));
      return batch;
    };

    let next: ReturnType<typeof cropBatch> | undefined;
    try {
      for (let start = 0; start < images.length; start += batchSize) {
        const batch = await (next ?? cropBatch(start));
        next = start + batchSize < images.length ? cropBatch(start + batchSize) : undefined;
        yield batch;
      }
    } finally {
      stopped = true;
      await next?.catch(() => undefined); // leaves no work behind when the caller stops early
    }
  }

  /**
   * Runs pictures through a network, in their order.
   *
   * @param forward - one batch, which nobody else uses: uint8 [N, crop, crop, 3] -> [N, C]
   * @returns C numbers for each picture; `undefined` for one that {@link CropOptions.onError} received
   */
  async *forwardAll(
    images: readonly Image[],
    options: CropOptions,
    forward: (batch: Tensor) => Promise<Tensor>,
  ): AsyncGenerator<Float32Array | undefined> {
    let index = 0;
    for await (const cropped of this.cropAll(images, options)) {
      const pictures = cropped.filter((picture) => picture !== undefined);
      const rows = pictures.length === 0 ? [].values() : rowsOf(await forward(toBatch(pictures)));
      discard(pictures);
      for (const picture of cropped) {
        const row = picture && rows.next().value;
        yield row && this.#checked(row, describeImage(images[index] ?? ''), index, options);
        index++;
      }
    }
  }

  /**
   * As {@link Pictures.forwardAll}, for a stream: takes at most two batches of pictures ahead of what the caller has
   * received, and runs a picture without waiting for a full batch.
   *
   * @throws also ERR_ARGUMENT, for what is not a picture
   */
  async *forwardStream(
    images: ImageStream,
    options: CropOptions,
    forward: (batch: Tensor) => Promise<Tensor>,
  ): AsyncGenerator<Float32Array | undefined> {
    const { name, signal } = options;
    const batchSize = this.#batchSize(options);
    const limiter = new Limiter(maxDecodes());
    let stopped = false;
    const prepare = async (image: Image, index: number): Promise<StreamedPicture | undefined> => {
      const copy = copyImage(image, name(index));
      return await limiter.run(async () => {
        if (stopped) return undefined;
        signal?.throwIfAborted();
        try {
          const cropped = await this.crop(copy, name(index), signal);
          return { cropped, index, description: describeImage(copy) };
        } catch (error) {
          report(error, index, options);
          return undefined;
        }
      });
    };
    const run = async (batch: readonly StreamedPicture[]): Promise<(Float32Array | undefined)[]> => {
      const rows = rowsOf(await forward(toBatch(batch.map(({ cropped }) => cropped))));
      discard(batch.map(({ cropped }) => cropped));
      return batch.map(({ index, description }) => {
        const row = rows.next().value;
        return row && this.#checked(row, description, index, options);
      });
    };
    const onStop = (): void => void (stopped = true);
    yield* runStream(images, { prepare, run, batchSize, maxPending: 2 * batchSize, signal, onStop });
  }

  #batchSize({ batchSize }: CropOptions): number {
    const fitting = Math.floor((batchSize * MAX_PIXELS_EACH) / this.preprocess.crop ** 2);
    return Math.max(1, Math.min(batchSize, fitting));
  }

  #checked(row: Float32Array, description: string, index: number, options: CropOptions): Float32Array | undefined {
    try {
      checkFinite(row, options.name(index), description);
      return row;
    } catch (error) {
      report(error, index, options);
      return undefined;
    }
  }
}

/** Hands an error of one picture alone to {@link CropOptions.onError}. @throws any other error */
function report(error: unknown, index: number, { onError }: CropOptions): void {
  if (onError === undefined || !isPictureError(error)) throw error;
  onError(error, index);
}

/** Pixels in one batch, after cropping, for each picture that it may hold: large crops come in small batches. */
const MAX_PIXELS_EACH = 512 ** 2;
/** Pictures decoded at a time, each up to the pixel limit. (libuv's pool, where sharp works, has four threads.) */
const MAX_DECODES = 8;

function maxDecodes(): number {
  return Math.min(addon().threads().cores, MAX_DECODES);
}

interface StreamedPicture {
  cropped: NativePicture;
  index: number;
  /** For errors. */
  description: string;
}

const PICTURE_CODES: ReadonlySet<string> = new Set(['ERR_FILE', 'ERR_IMAGE', 'ERR_NOT_FINITE']);

/** Whether an error concerns one picture alone. */
export function isPictureError(error: unknown): error is ResNetError {
  return error instanceof ResNetError && PICTURE_CODES.has(error.code);
}

/** The rows of [N, C]. */
function* rowsOf(tensor: Tensor): Generator<Float32Array, undefined> {
  const values = tensor.toFloat32();
  const [rows = 0, columns = 0] = tensor.shape;
  for (let i = 0; i < rows; i++) yield values.subarray(i * columns, (i + 1) * columns);
}

/** Frees pictures that are no longer used, without waiting for the garbage collector. */
function discard(pictures: readonly NativePicture[]): void {
  for (const { data } of pictures) callNative((binding) => binding.discard(data));
}
