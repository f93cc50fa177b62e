import { checkInteger, checkOptionsObject } from '../check';
import { badArgument, ERROR_CODES, ResNetError, inspect, type ErrorCode } from '../errors';
import { isTensor, Tensor } from '../tensor';
import type { ServedPrediction } from './answers';
import { readFeatures, readLogits, readPredictions } from './read';
import { backOff, wait } from './retry';

/** Options of {@link ResNetClient}. */
export interface ClientOptions {
  /** Sent with every request. */
  apiKey?: string | undefined;
  /** The model to use; needed for `infer`, and if the server has several. */
  model?: string | undefined;
  /** How often a request is repeated after 503. Default: 4. */
  retries?: number | undefined;
}

/** Options of a request. */
export interface RequestOptions {
  /** Cancels, also between two attempts; the promise rejects with its reason. */
  signal?: AbortSignal | undefined;
  /** The server gives up after this time, with ERR_TIMEOUT. Default: the server's own limit. */
  timeoutMs?: number | undefined;
}

/** Options of {@link ResNetClient.classify}. */
export interface ClassifyRequestOptions extends RequestOptions {
  /** Number of classes, best first. Default: 5, or all if there are fewer. */
  topK?: number | undefined;
}

/** A picture's bytes: JPEG, PNG, WebP, TIFF, GIF or AVIF. */
export type Picture = Uint8Array | Blob;

/**
 * A client of the server that `createServer()` of libtorch-resnet/serve makes, built on fetch.
 *
 * @example
 * const client = new ResNetClient('http://127.0.0.1:8000');
 * const [best] = await client.classify(await readFile('dog.jpg')); // { label: 'malamute', index: 249, score: 0.61 }
 */
export class ResNetClient {
  readonly #url: string;
  readonly #options: ClientOptions;
  readonly #retries: number;

  /** @throws ERR_ARGUMENT */
  constructor(url: string | URL, options: ClientOptions = {}) {
    checkOptionsObject(options);
    const { retries = 4 } = options;
    if (!/^https?:\/\//.test(String(url)) || !URL.canParse(String(url))) {
      throw badArgument('url', 'the address of a server, http://… or https://…', String(url));
    }
    checkInteger('retries', retries, 0, 100);
    this.#url = String(url).replace(/\/+$/, '');
    this.#options = { ...options };
    this.#retries = retries;
  }

  /**
   * Predicts the classes of a picture, best first; for a list of pictures it returns a list per picture.
   *
   * @throws the server's errors by their codes; ERR_SERVER if no server can be reached or its response is not of this
   *   API; the signal's reason
   */
  classify(picture: Picture, options?: ClassifyRequestOptions): Promise<ServedPrediction[]>;
  classify(pictures: readonly Picture[], options?: ClassifyRequestOptions): Promise<ServedPrediction[][]>;
  async classify(
    pictures: Picture | readonly Picture[],
    options: ClassifyRequestOptions = {},
  ): Promise<ServedPrediction[] | ServedPrediction[][]> {
    checkOptionsObject(options);
    if (isEmpty(pictures)) return [];
    const response = await this.#send('/classify', bodyOf(pictures), options, { top: options.topK });
    const results = await parseResponse(options, async () => readPredictions(await response.json(), countOf(pictures)));
    return isList(pictures) ? results : (results[0] ?? []);
  }

  /** The network's values after global pooling, float32 [pictures, 512 or 2048]. @throws as classify */
  async features(pictures: Picture | readonly Picture[], options: RequestOptions = {}): Promise<Tensor> {
    checkOptionsObject(options);
    if (isEmpty(pictures)) throw badArgument('pictures', 'at least one picture', pictures);
    const response = await this.#send('/features', bodyOf(pictures), options);
    return parseResponse(options, async () => readFeatures(await response.json(), countOf(pictures)));
  }

  /**
   * Runs the network on a batch, sent and received as binary.
   *
   * @param x - normalized float32 [N, 3, H, W], or uint8 [N, H, W, 3]
   * @returns float32 logits, [N, classes]
   * @throws as classify; ERR_ARGUMENT if the client has no `model`, ERR_DTYPE
   */
  async infer(x: Tensor, options: RequestOptions = {}): Promise<Tensor> {
    checkOptionsObject(options);
    if (!isTensor(x) || (x.dtype !== 'float32' && x.dtype !== 'uint8')) {
      throw badArgument('x', 'a Tensor of dtype float32 or uint8', x, 'ERR_DTYPE');
    }
    const { model } = this.#options;
    if (model === undefined) throw badArgument('model', "a model's name, given to the client, for infer", model);
    const { buffer, byteOffset, byteLength } = x.data;
    const header = Buffer.from(
      JSON.stringify({
        inputs: [
          {
            ...(x.dtype === 'uint8' ? { name: 'pixels', datatype: 'UINT8' } : { name: 'input', datatype: 'FP32' }),
            shape: x.shape,
            parameters: { binary_data_size: byteLength },
          },
        ],
        parameters: { binary_data_output: true },
      }),
    );
    const body = {
      data: Buffer.concat([header, new Uint8Array(buffer, byteOffset, byteLength)]),
      type: 'application/octet-stream',
    };
    const path = `/v2/models/${encodeURIComponent(model)}/infer`;
    const response = await this.#send(
      path,
      body,
      options,
      {},
      { 'Inference-Header-Content-Length': String(header.length) },
    );
    return parseResponse(options, async () => {
      const bytes = Buffer.from(await response.arrayBuffer());
      return readLogits(bytes, response.headers.get('inference-header-content-length'), x.shape[0] ?? 0);
    });
  }

  /** Whether the server takes work now; false if it cannot be reached. */
  async ready(options: Pick<RequestOptions, 'signal'> = {}): Promise<boolean> {
    const { signal } = options;
    try {
      return (await fetch(`${this.#url}/v2/health/ready`, { signal: signal ?? null })).ok;
    } catch {
      signal?.throwIfAborted();
      return false;
    }
  }

  async #send(
    path: string,
    { data, type }: Body,
    { signal, timeoutMs }: RequestOptions,
    query: Record<string, number | undefined> = {},
    extraHeaders: Record<string, string> = {},
  ): Promise<Response> {
    const { apiKey, model } = this.#options;
    if (timeoutMs !== undefined) checkInteger('timeoutMs', timeoutMs, 1, 3_600_000);
    const url = new URL(this.#url + path);
    const parameters = path.startsWith('/v2') ? query : { ...query, model };
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers = {
      ...extraHeaders,
      ...(type === undefined ? {} : { 'Content-Type': type }),
      ...(apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` }),
      ...(timeoutMs === undefined ? {} : { 'X-Request-Timeout-Ms': String(timeoutMs) }),
    };
    for (let attempts = 1; ; attempts++) {
      let response;
      try {
        response = await fetch(url, { method: 'POST', body: data, headers, signal: signal ?? null });
      } catch (error) {
        signal?.throwIfAborted();
        const { message } = ((error as Error).cause ?? error) as Error;
        throw new ResNetError('ERR_SERVER', `Cannot reach ${url.origin}: ${message}.`, { cause: error });
      }
      if (response.ok) return response;
      if (response.status !== 503 || attempts > this.#retries) throw await errorOf(response);
      await response.arrayBuffer().catch(() => undefined); // frees the connection for reuse
      await wait(backOff(attempts, response.headers.get('retry-after')), signal);
    }
  }
}

interface Body {
  data: Uint8Array<ArrayBuffer> | Blob | FormData;
  /** Absent: set by fetch. */
  type?: string;
}

function bodyOf(pictures: Picture | readonly Picture[]): Body {
  if (!isList(pictures)) {
    const data = checkPicture(pictures, 'picture');
    return { data, type: 'application/octet-stream' };
  }
  const data = new FormData();
  for (const [i, picture] of pictures.entries()) {
    const name = `image[${i}]`;
    const checked = checkPicture(picture, name);
    data.append('picture', checked instanceof Blob ? checked : new Blob([checked]), name);
  }
  return { data };
}

function checkPicture(picture: unknown, argument: string): Uint8Array<ArrayBuffer> | Blob {
  if (picture instanceof Blob) return picture;
  if (ArrayBuffer.isView(picture) && picture[Symbol.toStringTag as never] === ('Uint8Array' as never)) {
    return picture as Uint8Array<ArrayBuffer>;
  }
  throw badArgument(argument, "a picture's bytes (Uint8Array or Blob)", picture);
}

/** Parses a response. @throws ERR_SERVER if it is cut off or malformed */
async function parseResponse<T>({ signal }: RequestOptions, parse: () => Promise<T>): Promise<T> {
  try {
    return await parse();
  } catch (error) {
    signal?.throwIfAborted();
    const { message } = error as Error;
    throw new ResNetError('ERR_SERVER', `The server's answer cannot be read: ${message}.`, { cause: error });
  }
}

/** The server's error of a failed request. */
async function errorOf(response: Response): Promise<ResNetError> {
  const text = await response.text().catch(() => '');
  try {
    const { error, code } = JSON.parse(text) as { error?: unknown; code?: unknown };
    if (typeof error === 'string' && typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)) {
      return new ResNetError(code as ErrorCode, error);
    }
  } catch {
    // not one of our servers, or a proxy in front of it
  }
  return new ResNetError('ERR_SERVER', `The server answered ${response.status}: ${inspect(text)}.`);
}

function isList(pictures: Picture | readonly Picture[]): pictures is readonly Picture[] {
  return Array.isArray(pictures);
}

const countOf = (pictures: Picture | readonly Picture[]): number => (isList(pictures) ? pictures.length : 1);

function isEmpty(pictures: Picture | readonly Picture[]): boolean {
  return isList(pictures) && pictures.length === 0;
}
