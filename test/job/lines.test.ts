import { ResNetError } from '../../lib/errors';
import { classifyToLines, type Classify } from '../../lib/job/lines';

const signal = new AbortController().signal;
const predictions = (path: string): { label: string; index: number; score: number }[] => [
  { label: path, index: 0, score: 0.5 },
];

async function parseLines(lines: AsyncIterable<string>): Promise<unknown[]> {
  let text = '';
  for await (const some of lines) text += some;
  expect(text.endsWith('\n') || text === '').toBe(true);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
}

test('one line per picture, also for unreadable ones, in order and over several batches', async () => {
  const calls: number[] = [];
  const classify: Classify = (paths, { onError }) => {
    calls.push(paths.length);
    return Promise.resolve(
      paths.map((path, i) => {
        if (!path.includes('bad')) return predictions(path);
        onError(new ResNetError('ERR_IMAGE', `image[${i}] must be a picture, but got "${path}".`), i);
        return [];
      }),
    );
  };
  const pictures = Array.from({ length: 70 }, (_, i) => (i % 33 === 0 ? `bad ${i}` : `"${i}"\u2028\n`));
  const lines = await parseLines(classifyToLines(pictures, (picture) => `/x/${picture}`, classify, signal));
  expect(calls).toEqual([32, 32, 6]);
  expect(lines).toEqual(
    pictures.map((picture) =>
      picture.startsWith('bad')
        ? { picture, error: `a picture must be a picture, but got "/x/${picture}".`, code: 'ERR_IMAGE' }
        : { picture, predictions: predictions(`/x/${picture}`) },
    ),
  );
});

test('an error that is not about one picture rejects, and so does an abort', async () => {
  const classify: Classify = () => Promise.reject(new ResNetError('ERR_OUT_OF_MEMORY', 'no memory'));
  await expect(parseLines(classifyToLines(['a'], String, classify, signal))).rejects.toMatchObject({
    code: 'ERR_OUT_OF_MEMORY',
  });
  const reason = new Error('enough');
  await expect(parseLines(classifyToLines(['a'], String, classify, AbortSignal.abort(reason)))).rejects.toBe(reason);
});
