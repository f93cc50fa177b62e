import { ResNetClient, type ServedPrediction } from '../client';
import { ResNetError } from '../errors';
import { describeImage, readImage, type Image } from '../image/image';

/** As for ImageClassifier.classify. */
interface ClassifyOptions {
  topK?: number | undefined;
  onError: (error: ResNetError, index: number) => void;
}

interface LoadedPicture {
  index: number;
  bytes: Uint8Array;
}

/** Errors of one picture, as opposed to the server. */
const PICTURE_CODES: ReadonlySet<string> = new Set(['ERR_IMAGE', 'ERR_NOT_FINITE', 'ERR_TOO_LARGE']);

/** Classifies pictures on a server, with the interface of an ImageClassifier. */
export class RemoteClassifier {
  readonly #client: ResNetClient;

  /** The API key comes from RESNET_API_KEY, since other users can read the command line. */
  constructor(url: string, model: string | undefined) {
    this.#client = new ResNetClient(url, { model, apiKey: process.env.RESNET_API_KEY });
  }

  async classify(images: readonly Image[], { topK, onError }: ClassifyOptions): Promise<ServedPrediction[][]> {
    const answers = images.map((): ServedPrediction[] => []);
    const pictures: LoadedPicture[] = [];
    for (const [index, image] of images.entries()) {
      try {
        pictures.push({ index, bytes: await readImage(image, 'A picture') });
      } catch (error) {
        if (!(error instanceof ResNetError)) throw error;
        onError(error, index);
      }
    }
    const onPictureError = (error: ResNetError, index: number): void =>
      onError(new ResNetError(error.code, `${describeImage(images[index] ?? '')}: ${error.message}`), index);
    for (const group of groupBySize(pictures)) await this.#classifyGroup(answers, group, topK, onPictureError);
    return answers;
  }

  /** One request; if it fails, each picture is sent alone to find out which ones are bad. */
  async #classifyGroup(
    answers: ServedPrediction[][],
    group: readonly LoadedPicture[],
    topK: number | undefined,
    onError: ClassifyOptions['onError'],
  ): Promise<void> {
    try {
      const all = await this.#client.classify(
        group.map(({ bytes }) => bytes),
        { topK },
      );
      group.forEach(({ index }, i) => (answers[index] = all[i] ?? []));
    } catch (error) {
      if (!isPictureError(error)) throw error;
      if (group.length > 1) {
        for (const picture of group) await this.#classifyGroup(answers, [picture], topK, onError);
      } else group.forEach(({ index }) => onError(error, index));
    }
  }
}

/** Groups pictures into requests of at most MAX_BYTES; a larger picture gets one of its own. */
function groupBySize(pictures: readonly LoadedPicture[]): LoadedPicture[][] {
  const groups: LoadedPicture[][] = [];
  let size = Infinity;
  for (const picture of pictures) {
    size += picture.bytes.length;
    if (size > MAX_BYTES) {
      groups.push([]);
      size = picture.bytes.length;
    }
    groups.at(-1)?.push(picture);
  }
  return groups;
}

/** Half of a server's default limit (`maxBodyBytes`). */
const MAX_BYTES = 2 ** 24;

function isPictureError(error: unknown): error is ResNetError {
  return error instanceof ResNetError && PICTURE_CODES.has(error.code);
}
