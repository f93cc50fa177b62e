import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { ResNetError } from '../../errors';
import { sha256OfFile } from '../../regular-file';

const ABANDONED_AFTER = 24 * 60 * 60 * 1000; // for another host's, and for a number that a new process got

/**
 * A file that is not all there yet. It lies beside its place, in a file of this download's own: the name has host and
 * process in it, so that another download can tell what a killed process has left (and goes on with it) from what is
 * being written.
 *
 * @throws ERR_FILE from every method but `leave` and `discard`
 */
export class PartialDownload {
  readonly #place: string;
  readonly #path: string;
  readonly #file: FileHandle;
  #size: number;

  private constructor(place: string, path: string, file: FileHandle, size: number) {
    this.#place = place;
    this.#path = path;
    this.#file = file;
    this.#size = size;
  }

  /** A new one, or what an earlier download of the same file has left. */
  static async open(place: string): Promise<PartialDownload> {
    const path = `${place}.${process.pid}@${hostname()}.${randomUUID().slice(0, 8)}.part`;
    return onDisk(place, async () => {
      await mkdir(dirname(place), { recursive: true });
      for (const left of await abandonedParts(place)) {
        if (await tryRename(left, path)) break; // who renames it has it
      }
      const file = await open(path, 'a');
      return new PartialDownload(place, path, file, (await file.stat()).size);
    });
  }

  /** Bytes. */
  get size(): number {
    return this.#size;
  }

  async append(chunk: Uint8Array): Promise<void> {
    await onDisk(this.#place, () => this.#file.appendFile(chunk));
    this.#size += chunk.length;
  }

  async empty(): Promise<void> {
    await onDisk(this.#place, () => this.#file.truncate(0));
    this.#size = 0;
  }

  async sha256(): Promise<string> {
    return await onDisk(this.#place, () => sha256OfFile(this.#path));
  }

  /** Puts it in its place, whole on the disk, and clears away what others have left. */
  async finish(): Promise<void> {
    await onDisk(this.#place, async () => {
      await this.#file.sync();
      await this.#file.close();
      await rename(this.#path, this.#place);
      for (const left of await abandonedParts(this.#place)) await rm(left, { force: true });
    });
  }

  /** Leaves it for a later download to go on with. */
  async leave(): Promise<void> {
    if (this.#size === 0) {
      await this.discard();
      return;
    }
    await this.#close();
    await tryRename(this.#path, `${this.#place}.part`);
  }

  /** Never fails: it is what is done after another failure, which is the one to be told. */
  async discard(): Promise<void> {
    await this.#close();
    await rm(this.#path, { force: true }).catch(() => undefined);
  }

  async #close(): Promise<void> {
    await this.#file.close().catch(() => undefined);
  }
}

/** Parts of a file that nobody is writing. */
async function abandonedParts(place: string): Promise<string[]> {
  const [folder, name] = [dirname(place), basename(place)];
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
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // alive and another user's
  }
}

async function isOld(path: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > ABANDONED_AFTER;
  } catch {
    return false; // its owner has just tryRename it
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

async function onDisk<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new ResNetError(
      'ERR_FILE',
      `Cannot write ${place}: ${(error as Error).message}. ` +
        'Make room, make its folder writable, or set LIBTORCH_RESNET_CACHE to another folder.',
      { cause: error },
    );
  }
}
