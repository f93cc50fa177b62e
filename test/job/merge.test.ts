import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobFolder, shardName } from '../../lib/job/folder';
import { PictureList } from '../../lib/job/list';
import { merge } from '../../lib/job/merge';
import { temporaryFolder, written } from '../support/files';

const root = temporaryFolder();
const { signal } = new AbortController();
const plan = { name: 'job', list: 'abc', shardSize: 2 };
const pictures = ['b', 'a', 'c', 'a', 'd'];

const line = (picture: string): string =>
  `${JSON.stringify(picture === 'c' ? { picture, error: 'e', code: 'ERR_IMAGE' } : { picture, predictions: [] })}\n`;
const linesOf = (shard: number): string =>
  pictures
    .slice(2 * shard - 2, 2 * shard)
    .map(line)
    .join('');

/** A job of three shards, some of which are finished. */
async function job(finished: readonly number[]): Promise<{ list: PictureList; folder: JobFolder }> {
  const jobRoot = mkdtempSync(join(root, 'job-'));
  const list = await PictureList.read(written(jobRoot, 'list', Buffer.from(pictures.join('\n'))), 2);
  const folder = await JobFolder.open(join(jobRoot, 'out.jsonl'), plan);
  for (const shard of finished) writeFileSync(folder.shardPath(shard), linesOf(shard));
  return { list, folder };
}

test('merges all shards in the order of the list', async () => {
  const { list, folder } = await job([3, 1, 2]);
  expect(await folder.finishedShards()).toEqual(new Set([1, 2, 3]));
  expect(await folder.isDone()).toBe(false);
  expect(await merge(list, folder, signal)).toEqual({ pictures: 5, failed: 1 });
  expect(readFileSync(folder.output, 'utf8')).toBe(pictures.map(line).join(''));
  expect(await folder.isDone()).toBe(true);
});

test.each<[string, string | undefined]>([
  ['is missing', undefined],
  ['lacks a line', line('c')],
  ['has a line too many', linesOf(2) + line('a')],
  ['has half a line', linesOf(2).slice(0, -5)],
  ['lacks the last newline', linesOf(2).slice(0, -1)],
  ["has another picture's line", line('c') + line('d')],
  ['has its lines in another order', line('a') + line('c')],
  ['is empty', ''],
  ['is no JSON', 'x\nnull\n'],
])('a shard that %s: no output, and it is computed again', async (_, text) => {
  const { list, folder } = await job([1, 3]);
  if (text !== undefined) writeFileSync(folder.shardPath(2), text);
  expect(await merge(list, folder, signal)).toBeUndefined();
  expect(await folder.finishedShards()).toEqual(new Set([1, 3]));
  expect(readdirSync(join(folder.output, '..')).sort()).toEqual(['list', 'out.jsonl.shards']);
});

test('an abort leaves nothing behind', async () => {
  const { list, folder } = await job([1, 2, 3]);
  const reason = new Error('enough');
  await expect(merge(list, folder, AbortSignal.abort(reason))).rejects.toBe(reason);
  expect(readdirSync(join(folder.output, '..')).sort()).toEqual(['list', 'out.jsonl.shards']);
});

describe('the folder', () => {
  const fresh = (): string => join(mkdtempSync(join(root, 'folder-')), 'out.jsonl');

  test('many processes that start at once share one folder', async () => {
    const output = fresh();
    const folders = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        await sleep(i / 4); // so that some read what others are about to write
        return await JobFolder.open(output, plan);
      }),
    );
    expect(new Set(folders.map(({ id }) => id)).size).toBe(1);
    expect(readdirSync(`${output}.shards`)).toEqual(['job.json']);
    expect((await JobFolder.open(output, { ...plan })).id).toBe(folders[0]!.id);
  });

  test.each([
    ['another list', { ...plan, list: 'abd' }, /list is "abd" here and "abc" in .*out\.jsonl\.shards/],
    ['another size', { ...plan, shardSize: 3 }, /shardSize is 3 here and 2 in/],
    ['an option more', { ...plan, calibration: 'x' }, /calibration is "x" here and undefined in/],
    ['an option less', { name: 'job', list: 'abc' }, /shardSize is undefined here and 2 in/],
    ['another name', { ...plan, name: 'work' }, /name is "work" here and "job" in/],
  ])('%s', async (_, other, message) => {
    const output = fresh();
    await JobFolder.open(output, plan);
    await expect(JobFolder.open(output, other)).rejects.toMatchObject({
      code: 'ERR_JOB_MISMATCH',
      message: expect.stringMatching(message),
    });
  });

  test('an output that is not of this job is never replaced', async () => {
    const output = fresh();
    writeFileSync(output, 'mine');
    await expect(JobFolder.open(output, plan)).rejects.toMatchObject({
      code: 'ERR_FILE',
      message: expect.stringMatching(/it is there already, and not of this job\.$/),
    });
    expect(existsSync(`${output}.shards`)).toBe(false);
  });

  test.each([
    ['half a file', '{"format":1', /Cannot read .*job\.json: /],
    ['another format', '{"format":2,"id":"x","plan":{}}', /must be a job's, of format 1/],
    ['something else', 'null', /must be a job's, of format 1/],
  ])('%s in the place of its plan', async (_, text, message) => {
    const output = fresh();
    mkdirSync(`${output}.shards`);
    writeFileSync(join(`${output}.shards`, 'job.json'), text);
    await expect(JobFolder.open(output, plan)).rejects.toMatchObject({
      code: 'ERR_FILE',
      message: expect.stringMatching(message),
    });
  });

  test('temporary files of its own are removed at the end, and nothing else', async () => {
    const output = fresh();
    const folder = await JobFolder.open(output, plan);
    const id = '01234567-89ab-cdef-0123-456789abcdef';
    const half = [`${output}.${id}.tmp`, `${folder.shardPath(1)}.${id}.tmp`, `${output}.shards/job.json.${id}.tmp`];
    const others = [`${output}.tmp`, `${output}.old.${id}.tmp`, folder.shardPath(1), `${output}.shards/mine.tmp`];
    for (const file of [...half, ...others]) writeFileSync(file, '');
    await folder.removeTemporaryFiles();
    expect(half.filter((file) => existsSync(file))).toEqual([]);
    expect(others.filter((file) => !existsSync(file))).toEqual([]);
  });

  test('shard names sort by their numbers', () => {
    expect([1, 999_999, 1_000_000].map(shardName)).toEqual(['shard-000001', 'shard-999999', 'shard-1000000']);
  });
});
