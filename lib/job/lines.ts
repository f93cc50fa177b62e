import type { ResNetError } from '../errors';
import type { Prediction } from '../image/classifier';

/** ImageClassifier.classify for a list, with a fixed `topK`. */
export type Classify = (
  paths: readonly string[],
  options: { signal: AbortSignal; onError: (error: ResNetError, index: number) => void },
) => Promise<Prediction[][]>;

/** Pictures per call of {@link Classify}: one batch. */
const BATCH_SIZE = 32;

/**
 * Classifies pictures into JSON Lines, in their order: `{ picture, predictions }`, or `{ picture, error, code }` for a
 * picture that cannot be read or whose answer is not finite.
 *
 * @param locate - turns a picture's name in the list into its path
 */
export async function* classifyToLines(
  pictures: readonly string[],
  locate: (picture: string) => string,
  classify: Classify,
  signal: AbortSignal,
): AsyncGenerator<string> {
  for (let start = 0; start < pictures.length; start += BATCH_SIZE) {
    signal.throwIfAborted();
    const batch = pictures.slice(start, start + BATCH_SIZE);
    const errors = new Map<number, ResNetError>();
    const onError = (error: ResNetError, index: number): void => void errors.set(index, error);
    const answers = await classify(batch.map(locate), { signal, onError });
    yield batch.map((picture, i) => `${JSON.stringify(resultOf(picture, answers[i], errors.get(i)))}\n`).join('');
  }
}

function resultOf(picture: string, predictions: Prediction[] | undefined, error: ResNetError | undefined): object {
  if (error === undefined) return { picture, predictions };
  // The index in the batch is meaningless here and would depend on the size of the shards.
  return { picture, error: error.message.replace(/^image\[\d+\]/, 'a picture'), code: error.code };
}
