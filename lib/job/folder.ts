import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { reasonOf, ResNetError } from '../errors';
import { cannotRead } from '../regular-file';
import { writeAtomically } from '../atomic-write';
import { checkSame, type Plan } from './plan';

const MANIFEST = 'job.json';
const FORMAT = 1;

/** A job's files: its output, and next to it a folder with the plan and the finished shards. */
export class JobFolder {
  private constructor(
    readonly output: string,
    /** A random UUID from when the folder was created. */
    readonly id: string,
  ) {}

  /**
   * Opens a job's folder, or creates it; of several processes at once exactly one creates it.
   *
   * @throws ERR_FILE, also if the output exists without a folder; ERR_JOB_MISMATCH if it belongs to another job
   */
  static async open(output: string, plan: Plan): Promise<JobFolder> {
    const path = join(folderOf(output), MANIFEST);
    const manifest = await readManifest(path);
    if (manifest !== undefined) return JobFolder.#fromManifest(output, path, manifest, plan);
    if (await exists(output)) {
      throw new ResNetError('ERR_FILE', `Cannot write ${output}: it is there already, and not of this job.`);
    }
    await withWriteError(path, () => mkdir(folderOf(output), { recursive: true }));
    const temporary = `${path}.${randomUUID()}.tmp`;
    try {
      await writeAtomically(temporary, [`${JSON.stringify({ format: FORMAT, id: randomUUID(), plan }, null, 2)}\n`]);
      // Unlike a rename, a link fails if the path exists: another process was faster.
      await withWriteError(path, () => link(temporary, path)).catch((error: unknown) => {
        if (!isCode((error as ResNetError).cause, 'EEXIST')) throw error;
      });
    } finally {
      await rm(temporary, { force: true });
    }
    return JobFolder.#fromManifest(output, path, await readManifest(path), plan);
  }

  static #fromManifest(output: string, path: string, manifest: unknown, plan: Plan): JobFolder {
    const { format, id, plan: otherPlan } = (manifest ?? {}) as { format?: unknown; id?: unknown; plan?: unknown };
    if (format !== FORMAT || typeof id !== 'string') {
      throw new ResNetError('ERR_FILE', `${path} must be a job's, of format ${FORMAT}, but it is something else.`);
    }
    checkSame(plan, otherPlan, dirname(path));
    return new JobFolder(output, id);
  }

  /** The path of a finished shard. */
  shardPath(number: number): string {
    return join(folderOf(this.output), `${shardName(number)}.jsonl`);
  }

  /** The numbers of the finished shards. */
  async finishedShards(): Promise<Set<number>> {
    const names = await withWriteError(this.output, () => readdir(folderOf(this.output)));
    return new Set(names.map(numberIn).filter((number) => number !== undefined));
  }

  async isDone(): Promise<boolean> {
    return await exists(this.output);
  }

  /** Removes temporary files of processes that were killed. */
  async removeTemporaryFiles(): Promise<void> {
    for (const folder of [dirname(this.output), folderOf(this.output)]) {
      const names = await readdir(folder).catch(() => []);
      const leftovers = names.filter((name) => name.endsWith('.tmp') && this.#isTemporary(name, folder));
      await Promise.all(leftovers.map((name) => rm(join(folder, name), { force: true }).catch(() => undefined)));
    }
  }

  #isTemporary(name: string, folder: string): boolean {
    const target = name.replace(/\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/, '');
    if (target === name) return false;
    return folder === folderOf(this.output)
      ? numberIn(target) !== undefined || target === MANIFEST
      : target === basename(this.output);
  }
}

/** A shard's name in the queue and, without the extension, on disk. */
export function shardName(number: number): string {
  return `shard-${String(number).padStart(6, '0')}`;
}

function numberIn(name: string): number | undefined {
  const [, digits] = /^shard-(\d{6,})\.jsonl$/.exec(name) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function folderOf(output: string): string {
  return `${output}.shards`;
}

async function readManifest(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw cannotRead(path, error);
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === code;
}

async function withWriteError<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new ResNetError('ERR_FILE', `Cannot write ${path}: ${reasonOf(error)}.`, { cause: error });
  }
}
