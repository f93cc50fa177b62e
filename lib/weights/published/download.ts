import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ResNetError } from '../../errors';
import { get, type HttpResponse } from './http';
import { NetworkError } from './network-error';
import { PartialDownload } from './partial-download';
import { withoutCredentials } from './proxy';

/** A published file. */
export interface RemoteFile {
  url: URL;
  /** Its name in the folder. */
  name: string;
  /** Its SHA-256 in hexadecimal, or the first digits if no more are known. */
  sha256: string;
  /** A file with more bytes than this is rejected. */
  maxBytes: number;
}

/** Progress of a download, in bytes. */
export interface DownloadProgress {
  /** Includes what an earlier, interrupted download has left. */
  received: number;
  /** Undefined if the server does not tell. */
  total: number | undefined;
}

/** Options of a download. */
export interface DownloadOptions {
  /** Called as bytes arrive. An error that it throws ends the download. */
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Ends the download; the promise rejects with its reason. A later download resumes it. */
  signal?: AbortSignal | undefined;
}

/** When a download gives up. */
export interface RetryPolicy {
  /** Close a connection after this many milliseconds without a byte. */
  stallAfter: number;
  /** The most requests for the file. */
  attempts: number;
  /** Milliseconds before the second attempt; doubled for each later one. */
  backOff: number;
}

const DEFAULT_RETRY: RetryPolicy = { stallAfter: 30_000, attempts: 5, backOff: 500 };

/**
 * Downloads a published file into a folder, and returns its path. A file that exists is not checked again. Concurrent
 * downloads of the same file, even in several processes, do not disturb each other; each of them fetches it.
 *
 * @throws ERR_DOWNLOAD (a failed request, or a file other than the published one), ERR_FILE, or the signal's reason
 */
export async function download(
  file: RemoteFile,
  folder: string,
  options: DownloadOptions & Partial<RetryPolicy> = {},
): Promise<string> {
  const path = join(folder, file.name);
  if (await isFile(path)) return path;
  options.signal?.throwIfAborted();
  const part = await PartialDownload.open(path);
  try {
    await new Download(file, part, options).run();
    await part.finish();
    return path;
  } catch (error) {
    // A part that can be resumed is kept; one that is wrong, or that filled the disk, is not.
    if (error instanceof ResNetError) await part.discard();
    else await part.keep();
    throw error instanceof NetworkError ? requestFailed(file, path, error) : error;
  }
}

class Download {
  readonly #file: RemoteFile;
  readonly #part: PartialDownload;
  readonly #options: DownloadOptions & RetryPolicy;
  /** The server's ETag or date of the file; a part of another version is useless. */
  #version: string | undefined;
  /** Whether all bytes of the part are from one response. */
  #fromOneResponse = false;

  constructor(file: RemoteFile, part: PartialDownload, options: DownloadOptions & Partial<RetryPolicy>) {
    this.#file = file;
    this.#part = part;
    this.#options = { ...DEFAULT_RETRY, ...options };
  }

  async run(): Promise<void> {
    await this.#fetch();
    let actual = await this.#part.sha256();
    if (!this.#matches(actual) && !this.#fromOneResponse) {
      // The parts may be those of two versions: fetch it again, in one response.
      await this.#restart();
      await this.#fetch();
      actual = await this.#part.sha256();
    }
    if (!this.#matches(actual)) throw wrongFile(this.#file, actual, this.#part.size);
  }

  #matches(sha256: string): boolean {
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
        // A network that worked a moment ago may recover; one that never worked is reported at once.
        const retryable = error instanceof NetworkError && (error.transient || this.#part.size > before);
        if (!retryable || attempt >= attempts) throw error;
      }
      await sleep(backOff * 2 ** (attempt - 1), undefined, { signal }).catch(() => signal?.throwIfAborted());
    }
  }

  async #fetchRest(): Promise<void> {
    const { stallAfter, signal } = this.#options;
    const headers = { 'user-agent': 'libtorch-resnet', 'accept-encoding': 'identity', ...this.#range() };
    await get(this.#file.url, { headers, stallAfter, signal }, (response) => this.#receive(response));
  }

  #range(): Record<string, string> {
    if (this.#part.size === 0) return {};
    const range = { range: `bytes=${this.#part.size}-` };
    return this.#version === undefined ? range : { ...range, 'if-range': this.#version };
  }

  async #receive(response: HttpResponse): Promise<void> {
    const { onProgress } = this.#options;
    const total = await this.#checkResponse(response);
    onProgress?.({ received: this.#part.size, total });
    for await (const chunk of response.body) {
      if (this.#part.size + chunk.length > this.#file.maxBytes) throw tooLarge(this.#file);
      await this.#part.append(chunk);
      onProgress?.({ received: this.#part.size, total });
    }
    if (total !== undefined && this.#part.size !== total) {
      throw new NetworkError(`${this.#part.size} of ${total} bytes came`, { transient: true });
    }
  }

  /** Truncates the part to where the response starts. Returns the size of the file, if the response tells. */
  async #checkResponse({ status, headers }: HttpResponse): Promise<number | undefined> {
    const [, start, size] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
    let total: number | undefined;
    if (status === 206 && Number(start) === this.#part.size) {
      this.#fromOneResponse = this.#part.size === 0;
      total = parseSize(size);
    } else if (status === 200) {
      await this.#restart();
      this.#fromOneResponse = true;
      total = parseSize(headers['content-length']);
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
    this.#version = etag?.startsWith('W/') === false ? etag : modified; // a weak ETag does not identify the bytes
    return total;
  }
}

function parseSize(size: string | undefined): number | undefined {
  return size !== undefined && /^\d+$/.test(size) ? Number(size) : undefined;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

function requestFailed({ url }: RemoteFile, path: string, error: NetworkError): ResNetError {
  return new ResNetError(
    'ERR_DOWNLOAD',
    `Cannot fetch ${withoutCredentials(url).href}: ${error.message}. Without a network, put the file at ${path} by hand; ` +
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
