import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ResNetError } from '../../errors';
import { get, type HttpResponse } from './http';
import { NetworkError } from './network-error';
import { PartialDownload } from './partial-download';
import { withoutCredentials } from './proxy';

/** A file that is published, with what is known of it. */
export interface RemoteFile {
  url: URL;
  /** What it is called in the folder. */
  name: string;
  /** Its SHA-256 in hex digits, or the first of them where no more are known. */
  sha256: string;
  /** More bytes than this are not the file. */
  maxBytes: number;
}

/** How far a download is, in bytes. */
export interface DownloadProgress {
  /** What is there, what an earlier, broken download has left included. */
  received: number;
  /** Undefined where the server does not tell. */
  total: number | undefined;
}

/** Options of a download. */
export interface DownloadOptions {
  /** Called as bytes arrive. What it throws ends the download. */
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Ends the download, which a later one goes on with; the promise rejects with its reason. */
  signal?: AbortSignal | undefined;
}

/** How patient a download is. */
export interface RetryPolicy {
  /** Milliseconds without a byte after which a connection is given up. */
  stallAfter: number;
  /** How often the file is asked for, all in all. */
  attempts: number;
  /** Milliseconds before the second attempt, doubled before each later one. */
  backOff: number;
}

const DEFAULT_RETRY: RetryPolicy = { stallAfter: 30_000, attempts: 5, backOff: 500 };

/**
 * Puts a published file into a folder, and returns its path. One that is there is trusted: none gets there unchecked
 * but by hand. Two downloads of one file at once, in two processes even, disturb each other in nothing: each fetches it.
 *
 * @throws ERR_DOWNLOAD (what the network did, or a file that is not the published one), ERR_FILE, or the signal's reason
 */
export async function download(
  file: RemoteFile,
  folder: string,
  options: DownloadOptions & Partial<RetryPolicy> = {},
): Promise<string> {
  const place = join(folder, file.name);
  if (await isFile(place)) return place;
  options.signal?.throwIfAborted();
  const part = await PartialDownload.open(place);
  try {
    await new Download(file, part, options).run();
    await part.finish();
    return place;
  } catch (error) {
    // What may still become the file is kept; what is wrong, or has filled the disk, is not.
    if (error instanceof ResNetError) await part.discard();
    else await part.leave();
    throw error instanceof NetworkError ? failed(file, place, error) : error;
  }
}

class Download {
  readonly #file: RemoteFile;
  readonly #part: PartialDownload;
  readonly #options: DownloadOptions & RetryPolicy;
  /** What the server calls this version of the file; a part of another one is of no use. */
  #version: string | undefined;
  /** Whether the part's bytes came in one piece. */
  #whole = false;

  constructor(file: RemoteFile, part: PartialDownload, options: DownloadOptions & Partial<RetryPolicy>) {
    this.#file = file;
    this.#part = part;
    this.#options = { ...DEFAULT_RETRY, ...options };
  }

  async run(): Promise<void> {
    await this.#fetch();
    let actual = await this.#part.sha256();
    if (!this.#isRight(actual) && !this.#whole) {
      // Pieces of two files, perhaps: once more, in one piece.
      await this.#restart();
      await this.#fetch();
      actual = await this.#part.sha256();
    }
    if (!this.#isRight(actual)) throw wrongFile(this.#file, actual, this.#part.size);
  }

  #isRight(sha256: string): boolean {
    return sha256.startsWith(this.#file.sha256);
  }

  async #restart(): Promise<void> {
    await this.#part.empty();
    this.#version = undefined;
  }

  async #fetch(): Promise<void> {
    const { attempts, backOff, signal } = this.#options;
    const before = this.#part.size;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#fetchRest();
        return;
      } catch (error) {
        // A network that was there a moment ago may come back; one that never was is said to be missing at once.
        const transient = error instanceof NetworkError && (error.transient || this.#part.size > before);
        if (!transient || attempt >= attempts) throw error;
      }
      await sleep(backOff * 2 ** (attempt - 1), undefined, { signal }).catch(() => signal?.throwIfAborted());
    }
  }

  async #fetchRest(): Promise<void> {
    const { stallAfter, signal } = this.#options;
    const headers = { 'user-agent': 'libtorch-resnet', 'accept-encoding': 'identity', ...this.#range() };
    await get(this.#file.url, { headers, stallAfter, signal }, (answer) => this.#take(answer));
  }

  #range(): Record<string, string> {
    if (this.#part.size === 0) return {};
    const range = { range: `bytes=${this.#part.size}-` };
    return this.#version === undefined ? range : { ...range, 'if-range': this.#version };
  }

  async #take(answer: HttpResponse): Promise<void> {
    const { onProgress } = this.#options;
    const total = await this.#agree(answer);
    onProgress?.({ received: this.#part.size, total });
    for await (const chunk of answer.body) {
      if (this.#part.size + chunk.length > this.#file.maxBytes) throw tooLarge(this.#file);
      await this.#part.append(chunk);
      onProgress?.({ received: this.#part.size, total });
    }
    if (total !== undefined && this.#part.size !== total) {
      throw new NetworkError(`${this.#part.size} of ${total} bytes came`, { transient: true });
    }
  }

  /** Makes the part end where the answer begins. Returns the whole file's size, where the answer tells. */
  async #agree({ status, headers }: HttpResponse): Promise<number | undefined> {
    const [, start, size] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
    let total: number | undefined;
    if (status === 206 && Number(start) === this.#part.size) {
      this.#whole = this.#part.size === 0;
      total = known(size);
    } else if (status === 200) {
      await this.#restart();
      this.#whole = true;
      total = known(headers['content-length']);
    } else if (status === 206 || status === 416) {
      await this.#restart();
      throw new NetworkError('the server sent another part than the one asked for', { transient: true });
    } else {
      const { STATUS_CODES } = await import('node:http');
      const transient = status >= 500 || status === 408 || status === 429;
      throw new NetworkError(`the server answered ${`${status} ${STATUS_CODES[status] ?? ''}`.trim()}`, { transient });
    }
    if (total !== undefined && total > this.#file.maxBytes) throw tooLarge(this.#file);
    const { etag, 'last-modified': modified } = headers;
    this.#version = etag?.startsWith('W/') === false ? etag : modified; // a weak tag tells too little
    return total;
  }
}

function known(size: string | undefined): number | undefined {
  return size !== undefined && /^\d+$/.test(size) ? Number(size) : undefined;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

function failed({ url }: RemoteFile, place: string, error: NetworkError): ResNetError {
  return new ResNetError(
    'ERR_DOWNLOAD',
    `Cannot fetch ${withoutCredentials(url).href}: ${error.message}. Without a network, put the file at ${place} by hand; ` +
      'LIBTORCH_RESNET_WEIGHTS_URL names a mirror, HTTPS_PROXY a proxy.',
    { cause: error },
  );
}

function wrongFile({ url, sha256 }: RemoteFile, actual: string, size: number): ResNetError {
  const verb = sha256.length < actual.length ? 'begin with' : 'be';
  return new ResNetError(
    'ERR_DOWNLOAD',
    `${withoutCredentials(url).href} sent another file than the published one, which was thrown away: ` +
      `its SHA-256 must ${verb} ${sha256}, but is ${actual} (${size} bytes).`,
  );
}

function tooLarge({ url, maxBytes }: RemoteFile): ResNetError {
  return new ResNetError(
    'ERR_DOWNLOAD',
    `${withoutCredentials(url).href} sent another file than the published one, which was thrown away: ` +
      `it must have at most ${maxBytes} bytes, but has more.`,
  );
}
