import { readFile } from 'node:fs/promises';
import { ResNetError, badArgument } from '../errors';
import { cannotRead } from '../regular-file';
import { LIMITS, LOG_LEVELS, SOCKET_LIMITS } from './options';

/** Numeric settings, of the networks and of the sockets. */
export const NUMBER_SETTINGS = { ...LIMITS, ...SOCKET_LIMITS };

/** Settings that are strings. */
export const TEXT_SETTINGS = {
  host: { about: 'the address to listen on; default: 127.0.0.1, for this machine only' },
  logLevel: { about: `${LOG_LEVELS.join(', ')}; default: info` },
  apiKeyFile: { about: 'a file with one API key per line; default: no key is needed' },
  tlsCert: { about: 'a certificate file in PEM, for HTTPS' },
  tlsKey: { about: 'the file of its key in PEM' },
} as const;

const MODEL_PROPERTIES = {
  name: { type: 'string' },
  weights: { type: 'string' },
  prefix: { type: 'string' },
  layers: { enum: [18, 34, 50, 101, 152] },
  numClasses: { type: 'integer', minimum: 1 },
  device: { type: 'string' },
  dtype: { enum: ['float32', 'bfloat16', 'int8'] },
  labels: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
  activation: { enum: ['softmax', 'sigmoid'] },
  preprocess: { anyOf: [{ type: 'string' }, { type: 'object' }] },
  threads: { type: 'integer', minimum: 1 },
  streams: { type: 'integer', minimum: 1 },
  calibration: { type: 'string' },
} as const;

/** The JSON Schema of a configuration file. */
export function configSchema(): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'resnet serve --config FILE',
    type: 'object',
    additionalProperties: false,
    properties: {
      $schema: { type: 'string' },
      models: {
        type: 'array',
        minItems: 1,
        items: { type: 'object', additionalProperties: false, required: ['weights'], properties: MODEL_PROPERTIES },
      },
      port: { type: 'integer', minimum: 0, maximum: 65_535, description: 'default: 8000' },
      cors: {
        type: 'array',
        items: { type: 'string' },
        description: 'origins whose pages may send requests; default: none',
      },
      ...Object.fromEntries(
        Object.entries(NUMBER_SETTINGS).map(([name, { min, max, about }]) => [
          name,
          { type: 'integer', minimum: min, maximum: max, description: about },
        ]),
      ),
      ...Object.fromEntries(
        Object.entries(TEXT_SETTINGS).map(([name, { about }]) => [name, { type: 'string', description: about }]),
      ),
    },
  };
}

/**
 * Reads a configuration file. Unknown names are an error here; values are checked where they are used.
 *
 * @throws ERR_FILE, ERR_ARGUMENT
 */
export async function readConfig(path: string): Promise<Record<string, unknown>> {
  let text;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw cannotRead(path, error);
  }
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw new ResNetError('ERR_ARGUMENT', `${path} must be JSON: ${(error as Error).message}.`, { cause: error });
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw badArgument(path, 'an object', config);
  }
  const { models } = config as { models?: unknown };
  checkNames(
    config,
    ['$schema', 'models', 'port', 'cors', ...Object.keys(NUMBER_SETTINGS), ...Object.keys(TEXT_SETTINGS)],
    path,
  );
  if (models !== undefined && !Array.isArray(models)) throw badArgument(`${path}: models`, 'a list', models);
  for (const [i, model] of ((models ?? []) as unknown[]).entries()) {
    if (typeof model !== 'object' || model === null) throw badArgument(`${path}: models[${i}]`, 'an object', model);
    checkNames(model, Object.keys(MODEL_PROPERTIES), `${path}: models[${i}]`);
  }
  return config as Record<string, unknown>;
}

function checkNames(object: object, known: readonly string[], where: string): void {
  const unknown = Object.keys(object).find((name) => !known.includes(name));
  if (unknown !== undefined) throw badArgument(where, `of the settings ${known.join(', ')}`, unknown);
}
