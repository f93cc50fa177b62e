import { ResNetClient, type ServedPrediction } from '../client';
import { ResNetError, show } from '../errors';
import { withRegularFile } from '../regular-file';

/** Options of {@link RemoteClassifier.classify}, as an ImageClassifier has them. */
interface Options {
  topK?: number | undefined;
  onError: (error: ResNetError, index: number) => void;
}

interface Picture {
  index: number;
  bytes: Uint8Array;
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
    const pictures: Picture[] = [];
    for (const [index, path] of paths.entries()) {
      try {
        pictures.push({ index, bytes: await withRegularFile(path, (file) => file.readFile()) });
      } catch (error) {
        const { message } = error as Error;
        onError(new ResNetError('ERR_FILE', `A picture must be a readable file: ${message}.`, { cause: error }), index);
      }
    }
    const failed = (error: ResNetError, index: number): void =>
      onError(new ResNetError(error.code, `${show(paths[index])}: ${error.message}`), index);
    for (const group of groupsOf(pictures)) await this.#fill(answers, group, topK, failed);
    return answers;
  }

  /** A request fails as one; its pictures one by one then tell which of them are bad. */
  async #fill(
    answers: ServedPrediction[][],
    group: readonly Picture[],
    topK: number | undefined,
    onError: Options['onError'],
  ): Promise<void> {
    try {
      const all = await this.#client.classify(
        group.map(({ bytes }) => bytes),
        { topK },
      );
      group.forEach(({ index }, i) => (answers[index] = all[i] ?? []));
    } catch (error) {
      if (!isOfPictures(error)) throw error;
      if (group.length > 1) {
        for (const one of group) await this.#fill(answers, [one], topK, onError);
      } else group.forEach(({ index }) => onError(error, index));
    }
  }
}

/** Pictures that go in one request: as many as are this large together, or one that is larger. */
function groupsOf(pictures: readonly Picture[]): Picture[][] {
  const groups: Picture[][] = [];
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

/** Half of what a server takes, unless it is told otherwise (`maxBodyBytes`). */
const MAX_BYTES = 2 ** 24;

function isOfPictures(error: unknown): error is ResNetError {
  return error instanceof ResNetError && OF_PICTURES.has(error.code);
}
