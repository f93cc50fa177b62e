import { badArgument } from '../errors';
import { checkOptionsObject } from '../check';
import type { ImageClassifierOptions } from '../image/classifier-options';

/** A model to serve; the options without a comment are those of ImageClassifier.create. */
export interface ModelOptions extends Pick<
  ImageClassifierOptions,
  | 'weights'
  | 'prefix'
  | 'layers'
  | 'numClasses'
  | 'device'
  | 'dtype'
  | 'labels'
  | 'activation'
  | 'preprocess'
  | 'onProgress'
> {
  /** Default: `resnet50` and so on, by depth. */
  name?: string | undefined;
  /** Maximum cores for one batch. Default: all, shared by the batches that run at the same time. */
  threads?: number | undefined;
  /** Batches that run at the same time. Default: one for each core, 2 on CUDA. */
  streams?: number | undefined;
  /** For int8: the path of a file that `saveCalibration()` wrote. */
  calibration?: string | undefined;
}

/** Numeric settings with their bounds: one table for createServer, flags, environment variables and config files. */
export const LIMITS = {
  maxBatchSize: { min: 1, max: 1024, default: undefined, about: 'pictures in one batch; default: 8, on CUDA 32' },
  maxQueueDelayMs: {
    min: 0,
    max: 60_000,
    default: undefined,
    about: 'how long to wait for a batch to fill; default: 0, on CUDA 1',
  },
  maxQueueSize: { min: 1, max: 1_000_000, default: undefined, about: 'pictures that may wait; default: 4 batches' },
  timeoutMs: { min: 1, max: 3_600_000, default: 30_000, about: 'maximum time for a request' },
  drainMs: { min: 0, max: 3_600_000, default: 30_000, about: 'how long a stopping server waits for accepted requests' },
  maxBodyBytes: { min: 1024, max: 2 ** 30, default: 2 ** 25, about: 'maximum size of a request body' },
  maxPixels: {
    min: 1,
    max: 2 ** 31,
    default: 50_000_000,
    about: 'maximum pixels of a picture, as declared in its header',
  },
  maxInputPixels: {
    min: 1,
    max: 2 ** 28,
    default: 2 ** 20,
    about: 'height x width of the tensors input and pixels, a side below 32 counted as 32',
  },
  requestsPerSecond: { min: 0, max: 1_000_000, default: 0, about: 'for each API key; 0: no limit' },
} as const;

/** Numeric settings of the sockets, which the plugin does not have. */
export const SOCKET_LIMITS = {
  receiveMs: { min: 1, max: 3_600_000, default: 30_000, about: 'how long a client may take to send its request' },
  maxHeaderBytes: { min: 1024, max: 2 ** 20, default: 16_384, about: "maximum size of a request's headers" },
  maxConnections: { min: 1, max: 1_000_000, default: 1024, about: 'maximum number of connections' },
} as const;

type Numbers<T> = { [K in keyof T]?: number | undefined };

/** Options of {@link resnetPlugin}. */
export interface ServeOptions extends Numbers<typeof LIMITS> {
  /** At least one; their names must differ. */
  models: readonly ModelOptions[];
  /** At least one, sent as `Authorization: Bearer KEY` or `X-API-Key: KEY`. Default: no key is needed. */
  apiKeys?: readonly string[] | undefined;
  /** Origins that may send cross-origin requests, such as `https://example.org`, or `*` for all. Default: none. */
  cors?: readonly string[] | undefined;
}

/** Options of {@link createServer}. */
export interface ServerOptions extends ServeOptions, Numbers<typeof SOCKET_LIMITS> {
  /** Level of the log, which is JSON lines on stderr. Default: 'info'. */
  logLevel?: (typeof LOG_LEVELS)[number] | undefined;
  /** Certificate and key in PEM: HTTPS. Default: HTTP. */
  tls?: { cert: string | Uint8Array; key: string | Uint8Array } | undefined;
}

export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** {@link LIMITS} with defaults filled in. */
export type Limits = Record<keyof typeof LIMITS, number>;
export type SocketLimits = Record<keyof typeof SOCKET_LIMITS, number>;

/**
 * Checks the settings of a plugin and fills in their defaults.
 *
 * @throws ERR_ARGUMENT
 */
export function checkServeOptions(options: ServeOptions): {
  limits: Limits;
  apiKeys: readonly string[];
  cors: readonly string[];
} {
  checkOptionsObject(options);
  const { models, apiKeys, cors = [] } = options;
  if (!Array.isArray(models) || models.length === 0)
    throw badArgument('models', 'a list of at least one model', models);
  for (const [i, model] of (models as unknown[]).entries()) checkModel(model, `models[${i}]`);
  if (apiKeys !== undefined) checkKeys(apiKeys);
  if (!Array.isArray(cors)) throw badArgument('cors', 'a list of origins', cors);
  for (const origin of cors as unknown[]) checkOrigin(origin);
  const onCuda = models.some((model: ModelOptions) => String(model.device).startsWith('cuda'));
  const maxBatchSize = options.maxBatchSize ?? (onCuda ? 32 : 8);
  const limits = checkNumbers(LIMITS, {
    ...options,
    maxBatchSize,
    maxQueueDelayMs: options.maxQueueDelayMs ?? (onCuda ? 1 : 0),
    maxQueueSize: options.maxQueueSize ?? 4 * maxBatchSize,
  });
  if (limits.requestsPerSecond > 0 && apiKeys === undefined) {
    throw badArgument('requestsPerSecond', 'set together with apiKeys, whose limit it is', limits.requestsPerSecond);
  }
  return { limits, apiKeys: apiKeys ?? [], cors };
}

/** @throws ERR_ARGUMENT */
export function checkSocketLimits(options: ServerOptions): SocketLimits {
  checkOptionsObject(options);
  const { logLevel = 'info' } = options;
  if (!LOG_LEVELS.includes(logLevel)) throw badArgument('logLevel', `one of ${LOG_LEVELS.join(', ')}`, logLevel);
  return checkNumbers(SOCKET_LIMITS, options);
}

/** An empty list is an error: the file of keys was probably empty by mistake, and no key would be needed. */
function checkKeys(keys: unknown): void {
  const isKey = (key: unknown): boolean => typeof key === 'string' && key.length >= 8;
  if (Array.isArray(keys) && keys.length > 0 && Array.from(keys).every(isKey)) return;
  const lengths = Array.isArray(keys) ? keys.map((key) => (typeof key === 'string' ? key.length : typeof key)) : keys;
  throw badArgument('apiKeys', 'at least one string, each of a length of at least 8', lengths);
}

/** The form in which browsers send it, so that comparing strings is enough. */
function checkOrigin(origin: unknown): void {
  if (origin === '*') return;
  const url = typeof origin === 'string' && URL.canParse(origin) ? new URL(origin) : undefined;
  if (url === undefined || url.origin !== origin || !/^https?:$/.test(url.protocol)) {
    throw badArgument('cors', "origins such as 'https://example.org', without a path, or '*'", origin);
  }
}

/** Names are path parameters, which Fastify limits to 100 characters by default. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

function checkModel(model: unknown, argument: string): void {
  if (typeof model !== 'object' || model === null) throw badArgument(argument, 'an object', model);
  const { name, weights } = model as Partial<ModelOptions>;
  if (typeof weights !== 'string' || weights === '') {
    throw badArgument(
      `${argument}.weights`,
      "the path of a weight file, a name of torchvision's weights, 'random' or 'random:SEED'",
      weights,
    );
  }
  if (name !== undefined && !(typeof name === 'string' && NAME.test(name))) {
    throw badArgument(`${argument}.name`, 'a name of at most 100 letters, digits, dots, dashes and underscores', name);
  }
}

type Bounds = Record<string, { min: number; max: number; default: number | undefined }>;

function checkNumbers<T extends Bounds>(table: T, options: object): Record<keyof T, number> {
  const values = options as Record<string, unknown>;
  const checked = Object.entries(table).map(([name, { min, max, default: defaultValue }]) => {
    const value = values[name] ?? defaultValue;
    if (typeof value !== 'number' || !(value >= min && value <= max) || !Number.isInteger(value)) {
      throw badArgument(name, `an integer from ${min} to ${max}`, value);
    }
    return [name, value];
  });
  return Object.fromEntries(checked) as Record<keyof T, number>;
}
