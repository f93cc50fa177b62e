import { badArgument } from '../errors';
import { checkOptionsObject } from '../check';
import type { ImageClassifierOptions } from '../image/classifier-options';

/** One network to serve; what is not said here is as an ImageClassifier has it. */
export interface ModelOptions extends Pick<
  ImageClassifierOptions,
  'weights' | 'layers' | 'numClasses' | 'device' | 'dtype' | 'labels' | 'preprocess' | 'onProgress'
> {
  /** Default: `resnet50` and so on, by its depth. */
  name?: string | undefined;
  /** Cores that one batch uses at most. Default: all, shared by the batches that run at the same time. */
  threads?: number | undefined;
  /** Batches that run at the same time. Default: one for each core, 2 on CUDA. */
  streams?: number | undefined;
  /** For int8: the path of a file that `saveCalibration()` wrote. */
  calibration?: string | undefined;
}

/** The settings that are numbers, each with its bounds. One table for createServer, flags, variables and files. */
export const LIMITS = {
  maxBatchSize: { least: 1, most: 1024, default: undefined, about: 'pictures in one batch; default: 8, on CUDA 32' },
  maxQueueDelayMs: {
    least: 0,
    most: 60_000,
    default: undefined,
    about: 'wait for a batch to fill; default: 0, on CUDA 1',
  },
  maxQueueSize: { least: 1, most: 1_000_000, default: undefined, about: 'pictures that may wait; default: 4 batches' },
  timeoutMs: { least: 1, most: 3_600_000, default: 30_000, about: 'the longest that a request may take' },
  drainMs: { least: 0, most: 3_600_000, default: 30_000, about: 'how long accepted requests may take once it stops' },
  maxBodyBytes: { least: 1024, most: 2 ** 30, default: 2 ** 25, about: 'the largest body of a request' },
  maxPixels: { least: 1, most: 2 ** 31, default: 50_000_000, about: 'the most pixels that a picture may claim' },
  maxInputPixels: {
    least: 1,
    most: 2 ** 28,
    default: 2 ** 20,
    about: 'height x width of the tensors input and pixels, a side below 32 counted as 32',
  },
  requestsPerSecond: { least: 0, most: 1_000_000, default: 0, about: 'for each API key; 0: no limit' },
} as const;

/** Settings of a server that are its sockets' and not its networks'. */
export const SOCKET_LIMITS = {
  receiveMs: { least: 1, most: 3_600_000, default: 30_000, about: 'how long a client may take to send its request' },
  maxHeaderBytes: { least: 1024, most: 2 ** 20, default: 16_384, about: "the most bytes of a request's headers" },
  maxConnections: { least: 1, most: 1_000_000, default: 1024, about: 'the most connections at a time' },
} as const;

type Numbers<T> = { [K in keyof T]?: number | undefined };

/** Options of {@link resnetPlugin}. */
export interface ServeOptions extends Numbers<typeof LIMITS> {
  /** At least one; names differ. */
  models: readonly ModelOptions[];
  /** Those who may ask, by `Authorization: Bearer KEY` or `X-API-Key: KEY`; at least one. Default: everybody. */
  apiKeys?: readonly string[] | undefined;
  /** The origins whose pages may ask, `https://example.org` for instance, or `*` for all. Default: none but its own. */
  cors?: readonly string[] | undefined;
}

/** Options of {@link createServer}. */
export interface ServerOptions extends ServeOptions, Numbers<typeof SOCKET_LIMITS> {
  /** What is logged, as JSON lines on stderr. Default: 'info'. */
  logLevel?: (typeof LOG_LEVELS)[number] | undefined;
  /** Certificate and key in PEM: HTTPS. Default: HTTP. */
  tls?: { cert: string | Uint8Array; key: string | Uint8Array } | undefined;
}

export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** Everything filled in. */
export type Limits = Record<keyof typeof LIMITS, number>;
export type SocketLimits = Record<keyof typeof SOCKET_LIMITS, number>;

/**
 * The settings of a plugin, checked, with their defaults.
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

/** None at all would let everybody in: a file of keys that is still empty is a mistake. */
function checkKeys(keys: unknown): void {
  const good = (key: unknown): boolean => typeof key === 'string' && key.length >= 8;
  if (Array.isArray(keys) && keys.length > 0 && keys.every(good)) return;
  const lengths = Array.isArray(keys) ? keys.map((key) => (typeof key === 'string' ? key.length : typeof key)) : keys;
  throw badArgument('apiKeys', 'at least one string, each of a length of at least 8', lengths);
}

/** As browsers send it, so that comparing texts is enough. */
function checkOrigin(origin: unknown): void {
  if (origin === '*') return;
  const url = typeof origin === 'string' && URL.canParse(origin) ? new URL(origin) : undefined;
  if (url === undefined || url.origin !== origin || !/^https?:$/.test(url.protocol)) {
    throw badArgument('cors', "origins such as 'https://example.org', without a path, or '*'", origin);
  }
}

/** Names stand in paths, whose parts Fastify takes up to this length in other people's apps. */
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

type Bounds = Record<string, { least: number; most: number; default: number | undefined }>;

function checkNumbers<T extends Bounds>(table: T, options: object): Record<keyof T, number> {
  const given = options as Record<string, unknown>;
  const checked = Object.entries(table).map(([name, { least, most, default: usual }]) => {
    const value = given[name] ?? usual;
    if (typeof value !== 'number' || !(value >= least && value <= most) || !Number.isInteger(value)) {
      throw badArgument(name, `an integer from ${least} to ${most}`, value);
    }
    return [name, value];
  });
  return Object.fromEntries(checked) as Record<keyof T, number>;
}
