import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ResNetError } from '../errors';
import { cannotRead } from '../regular-file';
import { writeWhole } from '../whole-file';
import { checkSame, type Plan } from './plan';

const MANIFEST = 'job.json';
const FORMAT = 1;

/** What a job has on disk: its output, and beside that a folder of its plan and of its shards' lines. */
export class JobFolder {
  private constructor(
    readonly output: string,
    /** Drawn once, when the folder was made. */
    readonly id: string,
  ) {}

  /**
   * Opens a job's folder, and makes it where there is none: of several processes at once one does.
   *
   * @throws ERR_FILE, also where the output is there and no folder; ERR_JOB_MISMATCH where it is another job's
   */
  static async open(output: string, plan: Plan): Promise<JobFolder> {
    const path = join(folderOf(output), MANIFEST);
    const found = await readManifest(path);
    if (found !== undefined) return JobFolder.#of(output, path, found, plan);
    if (await isThere(output)) {
      throw new ResNetError('ERR_FILE', `Cannot write ${output}: it is there already, and not of this job.`);
    }
    await onDisk(path, () => mkdir(folderOf(output), { recursive: true }));
    const own = `${path}.${randomUUID()}.tmp`;
    try {
      await writeWhole(own, [`${JSON.stringify({ format: FORMAT, id: randomUUID(), plan }, null, 2)}\n`]);
      // Unlike a rename, a link never takes another's place.
      await onDisk(path, () => link(own, path)).catch((error: unknown) => {
        if (!isCode((error as ResNetError).cause, 'EEXIST')) throw error;
      });
    } finally {
      await rm(own, { force: true });
    }
    return JobFolder.#of(output, path, await readManifest(path), plan);
  }

  static #of(output: string, path: string, manifest: unknown, plan: Plan): JobFolder {
    const { format, id, plan: known } = (manifest ?? {}) as { format?: unknown; id?: unknown; plan?: unknown };
    if (format !== FORMAT || typeof id !== 'string') {
      throw new ResNetError('ERR_FILE', `${path} must be a job's, of format ${FORMAT}, but it is something else.`);
    }
    checkSame(plan, known, dirname(path));
    return new JobFolder(output, id);
  }

  /** Where a shard's lines go. */
  shard(number: number): string {
    return join(folderOf(this.output), `${shardName(number)}.jsonl`);
  }

  /** The numbers of the shards whose lines are there, whole. */
  async present(): Promise<Set<number>> {
    const names = await onDisk(this.output, () => readdir(folderOf(this.output)));
    return new Set(names.map(numberIn).filter((number) => number !== undefined));
  }

  async isDone(): Promise<boolean> {
    return await isThere(this.output);
  }

  /** Removes what processes that were killed left half written. */
  async tidy(): Promise<void> {
    for (const folder of [dirname(this.output), folderOf(this.output)]) {
      const names = await readdir(folder).catch(() => []);
      const left = names.filter((name) => name.endsWith('.tmp') && this.#isOurs(name, folder));
      await Promise.all(left.map((name) => rm(join(folder, name), { force: true }).catch(() => undefined)));
    }
  }

  #isOurs(name: string, folder: string): boolean {
    const whole = name.replace(/\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/, '');
    if (whole === name) return false;
    return folder === folderOf(this.output)
      ? numberIn(whole) !== undefined || whole === MANIFEST
      : whole === basename(this.output);
  }
}

/** What a shard is called in the queue and, but for the ending, on disk. */
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

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === code;
}

async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new ResNetError('ERR_FILE', `Cannot write ${path}: ${(error as Error).message}.`, { cause: error });
  }
}
