import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { ResNetError } from '../../errors';
import { sha256OfFile } from '../../regular-file';

/** Milliseconds without a write; for parts of other hosts, and for process ids that were reused. */
const ABANDONED_AFTER = 24 * 60 * 60 * 1000;

/**
 * An incomplete file, beside the place of the complete one. Its name contains host and process id, so that another
 * download can tell parts that are being written from those that a killed process has left, and resume the latter.
 *
 * @throws ERR_FILE from every method but `keep` and `discard`
 */
export class PartialDownload {
  readonly #target: string;
  readonly #path: string;
  readonly #file: FileHandle;
  #size: number;

  private constructor(target: string, path: string, file: FileHandle, size: number) {
    this.#target = target;
    this.#path = path;
    this.#file = file;
    this.#size = size;
  }

  /** Starts a new part, or takes over one that an earlier download of the same file has left. */
  static async open(target: string): Promise<PartialDownload> {
    const path = `${target}.${process.pid}@${hostname()}.${randomUUID().slice(0, 8)}.part`;
    return withDiskErrors(target, async () => {
      await mkdir(dirname(target), { recursive: true });
      for (const abandoned of await abandonedParts(target)) {
        if (await tryRename(abandoned, path)) break; // whoever renames it owns it
      }
      const file = await open(path, 'a');
      return new PartialDownload(target, path, file, (await file.stat()).size);
    });
  }

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  async append(chunk: Uint8Array): Promise<void> {
    await withDiskErrors(this.#target, () => this.#file.appendFile(chunk));
    this.#size += chunk.length;
  }

  async empty(): Promise<void> {
    await withDiskErrors(this.#target, () => this.#file.truncate(0));
    this.#size = 0;
  }

  async sha256(): Promise<string> {
    return await withDiskErrors(this.#target, () => sha256OfFile(this.#path));
  }

  /** Moves the complete file to its target, and removes the parts that others have left. */
  async finish(): Promise<void> {
    await withDiskErrors(this.#target, async () => {
      await this.#file.sync();
      await this.#file.close();
      await rename(this.#path, this.#target);
      for (const abandoned of await abandonedParts(this.#target)) await rm(abandoned, { force: true });
    });
  }

  /** Keeps it for a later download to resume. */
  async keep(): Promise<void> {
    if (this.#size === 0) {
      await this.discard();
      return;
    }
    await this.#close();
    await tryRename(this.#path, `${this.#target}.part`);
  }

  /** Never fails, because it follows another failure, which is the one to report. */
  async discard(): Promise<void> {
    await this.#close();
    await rm(this.#path, { force: true }).catch(() => undefined);
  }

  async #close(): Promise<void> {
    await this.#file.close().catch(() => undefined);
  }
}

/** Parts of a file that no process is writing. */
async function abandonedParts(target: string): Promise<string[]> {
  const [folder, name] = [dirname(target), basename(target)];
  const found: string[] = [];
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith(`${name}.`) || !entry.endsWith('.part')) continue;
    const [, pid, host] = /^\.(\d+)@(.*)\.[^.]*\.part$/.exec(entry.slice(name.length)) ?? [];
    const path = join(folder, entry);
    if (pid === undefined || (host === hostname() && !isAlive(Number(pid))) || (await isOld(path))) found.push(path);
  }
  return found;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // it exists, but belongs to another user
  }
}

async function isOld(path: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > ABANDONED_AFTER;
  } catch {
    return false; // its owner has just renamed it
  }
}

async function tryRename(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch {
    return false; // another download was faster
  }
}

async function withDiskErrors<T>(target: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new ResNetError(
      'ERR_FILE',
      `Cannot write ${target}: ${(error as Error).message}. ` +
        'Make room, make its folder writable, or set LIBTORCH_RESNET_CACHE to another folder.',
      { cause: error },
    );
  }
}
