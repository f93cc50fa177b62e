import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ResNetError, inspect } from '../../errors';
import { misplacedFolder } from '../../file-kind';
import { readJsonObject, type JsonFields } from './json-file';
import { malformed } from './malformed';
import type { WeightEntry, WeightFile } from './weight-file';

const INDEX = '.index.json';
/** Names of weight files in a folder, in the order in which Hugging Face looks for them. */
const FILE_NAMES = ['model.safetensors', 'pytorch_model.bin'].flatMap((name) => [name, `${name}${INDEX}`]);
const MAX_SHARDS = 10_000;

/** Whether a path names an index of shards. */
export function isIndex(path: string): boolean {
  return path.endsWith(INDEX);
}

/**
 * The weight file of a path: the path itself, or the file in that folder with one of Hugging Face's names.
 *
 * @throws ERR_FILE if it is a folder without such a file
 */
export async function resolveWeightFile(path: string): Promise<string> {
  if (!(await isFolder(path))) return path; // opening a file that does not exist fails later
  for (const name of FILE_NAMES) {
    if ((await stat(join(path, name)).catch(() => undefined)) !== undefined) return join(path, name);
  }
  throw new ResNetError(
    'ERR_FILE',
    `Cannot read ${path}: it is a directory that has none of ${FILE_NAMES.join(', ')}.${await misplacedFolder(path, 'weights')}`,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/**
 * Reads an index of shards (`weight_map`: tensor names to files in the same folder) and the header of each shard, so that
 * the tensors look like those of one file. The shards and the index must list the same tensors.
 *
 * @param open - reads one shard's header
 * @throws ERR_FILE, ERR_WEIGHTS_FORMAT
 */
export async function openShards(path: string, open: (path: string) => Promise<WeightFile>): Promise<WeightFile> {
  return openShardsOf(path, await readJsonObject(path), open);
}

/** As {@link openShards}, for an index that is already read. @internal */
export async function openShardsOf(
  path: string,
  index: JsonFields,
  open: (path: string) => Promise<WeightFile>,
): Promise<WeightFile> {
  const map = index.object('weight_map');
  if (map === undefined) throw malformed(path, 'has no weight_map');
  const shardOf = new Map(map.entries().map(([name, shard]) => [name, checkShard(path, name, shard)]));
  const shards = [...new Set(shardOf.values())].sort();
  if (shards.length === 0) throw malformed(path, 'names no tensor');
  if (shards.length > MAX_SHARDS)
    throw malformed(path, `names ${shards.length} files, and at most ${MAX_SHARDS} are read`);

  const files: WeightFile[] = [];
  const entries: WeightEntry[] = [];
  for (const shard of shards) {
    const file = await openShard(path, shard, open);
    for (const entry of file.entries) {
      if (shardOf.get(entry.name) !== shard) {
        throw malformed(path, `does not have tensor ${inspect(entry.name)} in ${shard}, where it is`);
      }
      entries.push({ ...entry, path: file.path });
    }
    files.push(file);
  }
  const found = new Set(entries.map(({ name }) => name));
  const [missing, shard] = [...shardOf].find(([name]) => !found.has(name)) ?? [];
  if (missing !== undefined) throw malformed(path, `has tensor ${inspect(missing)} in ${shard}, where it is not`);
  // Where several shards have metadata of the same key, the first one wins.
  const metadata = Object.fromEntries(files.toReversed().flatMap((file) => Object.entries(file.metadata)));
  const inert = [...new Set(files.flatMap((file) => file.inert))];
  return { path, format: files[0]?.format ?? 'safetensors', metadata, entries, inert };
}

/** Plain names only, so that an index cannot refer to files outside its folder. */
function checkShard(path: string, tensor: string, shard: unknown): string {
  if (typeof shard === 'string' && /^[^/\\\0]+$/.test(shard) && shard !== '.' && shard !== '..' && !isIndex(shard)) {
    return shard;
  }
  throw malformed(
    path,
    `must give tensor ${inspect(tensor)} the plain name of a file beside it, but gives it ${inspect(shard)}`,
  );
}

async function openShard(
  path: string,
  shard: string,
  open: (path: string) => Promise<WeightFile>,
): Promise<WeightFile> {
  try {
    return await open(join(dirname(path), shard));
  } catch (error) {
    if (!(error instanceof ResNetError)) throw error;
    throw new ResNetError(error.code, `A shard of ${path}: ${error.message}`, { cause: error });
  }
}
