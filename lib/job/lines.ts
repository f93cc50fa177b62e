import type { ResNetError } from '../errors';
import type { Prediction } from '../image/classifier';

/** What an ImageClassifier does with a list, its number of classes settled. */
export type Classify = (
  paths: readonly string[],
  options: { signal: AbortSignal; onError: (error: ResNetError, index: number) => void },
) => Promise<Prediction[][]>;

/** Pictures that are asked for at a time: one batch. */
const BATCH = 32;

/**
 * One line of JSON for each picture, in their order: `{ picture, predictions }`, or `{ picture, error, code }` for one
 * that cannot be read.
 *
 * @param locate - where a picture is that is named so
 */
export async function* linesOf(
  pictures: readonly string[],
  locate: (picture: string) => string,
  classify: Classify,
  signal: AbortSignal,
): AsyncGenerator<string> {
  for (let start = 0; start < pictures.length; start += BATCH) {
    signal.throwIfAborted();
    const batch = pictures.slice(start, start + BATCH);
    const errors = new Map<number, ResNetError>();
    const onError = (error: ResNetError, index: number): void => void errors.set(index, error);
    const answers = await classify(batch.map(locate), { signal, onError });
    yield batch.map((picture, i) => `${JSON.stringify(lineOf(picture, answers[i], errors.get(i)))}\n`).join('');
  }
}

function lineOf(picture: string, predictions: Prediction[] | undefined, error: ResNetError | undefined): object {
  if (error === undefined) return { picture, predictions };
  // Its number in a batch says nothing, and would not be the same in another shard.
  return { picture, error: error.message.replace(/^image\[\d+\]/, 'a picture'), code: error.code };
}
