import { ResNetClient, type ServedPrediction } from '../client';
import { ResNetError, show } from '../errors';
import { withRegularFile } from '../regular-file';

/** Options of {@link RemoteClassifier.classify}, as an ImageClassifier has them. */
interface Options {
  topK?: number | undefined;
  onError: (error: ResNetError, index: number) => void;
}

/** What is wrong with one picture, and not with the server. */
const OF_PICTURES: ReadonlySet<string> = new Set(['ERR_IMAGE', 'ERR_TOO_LARGE']);

/** Has a server do what an ImageClassifier does here. */
export class RemoteClassifier {
  readonly #client: ResNetClient;

  /** The API key comes from RESNET_API_KEY: the command line can be read by others. */
  constructor(url: string, model: string | undefined) {
    this.#client = new ResNetClient(url, { model, apiKey: process.env.RESNET_API_KEY });
  }

  async classify(paths: readonly string[], { topK, onError }: Options): Promise<ServedPrediction[][]> {
    const answers = paths.map((): ServedPrediction[] => []);
    const pictures: { index: number; bytes: Uint8Array }[] = [];
    for (const [index, path] of paths.entries()) {
      try {
        pictures.push({ index, bytes: await withRegularFile(path, (file) => file.readFile()) });
      } catch (error) {
        const { message } = error as Error;
        onError(new ResNetError('ERR_FILE', `A picture must be a readable file: ${message}.`, { cause: error }), index);
      }
    }
    if (pictures.length === 0) return answers;
    try {
      const all = await this.#client.classify(
        pictures.map(({ bytes }) => bytes),
        { topK },
      );
      pictures.forEach(({ index }, i) => (answers[index] = all[i] ?? []));
    } catch (error) {
      if (!isOfPictures(error)) throw error;
      // A request fails as one; its pictures one by one then tell which of them are bad.
      for (const { index, bytes } of pictures) {
        try {
          answers[index] = await this.#client.classify(bytes, { topK });
        } catch (own) {
          if (!isOfPictures(own)) throw own;
          onError(new ResNetError(own.code, `${show(paths[index])}: ${own.message}`), index);
        }
      }
    }
    return answers;
  }
}

function isOfPictures(error: unknown): error is ResNetError {
  return error instanceof ResNetError && OF_PICTURES.has(error.code);
}
