import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, type Command } from 'commander';
import { badArgument, ResNetError } from '../errors';
import type { ModelOptions, ServerOptions } from '../serve';
import { configSchema, NUMBER_SETTINGS, readConfig, TEXT_SETTINGS } from '../serve/config';
import { defaultLayers } from '../weights/parse-weights';
import { WEIGHTS_NAMES } from '../weights/published/catalog';
import { activationOption } from './network';
import { withDownloadProgress } from './download-progress';
import { parseLayers, PREFIX_ABOUT } from './options';
import { onSignals } from './signals';

type Settings = Record<string, unknown>;

/** Flags of the model that --weights names. */
const MODEL_FLAGS = [
  'weights',
  'prefix',
  'layers',
  'device',
  'dtype',
  'labels',
  'activation',
  'threads',
  'streams',
  'calibration',
];

/** `resnet serve`: an HTTP server. */
export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .description('Serve networks over HTTP: the Open Inference Protocol, version 2, and routes for people.')
    .option(
      '--weights <file|name>',
      `a weight file; ${WEIGHTS_NAMES.join(', ')}: torchvision's, downloaded once; ` +
        'random or random:SEED for an untrained network, for trials',
    )
    .option('--prefix <text>', PREFIX_ABOUT)
    .option('--layers <n>', 'default: as the file tells, else 50', parseLayers)
    .option('--model <name=file>', 'another model, its weights as for --weights; may be given several times', addModel)
    .option('--device <name>', 'cpu, cuda or cuda:N; default: cpu')
    .option('--dtype <name>', 'float32, bfloat16 or int8; default: float32')
    .option('--labels <file>', 'class names: a JSON array or object by number, or one a line')
    .addOption(activationOption())
    .option('--calibration <file>', 'for int8: a file written by saveCalibration')
    .option('--threads <n>', 'maximum cores for one batch; default: all, shared by concurrent batches', parseWhole)
    .option('--streams <n>', 'batches at the same time; default: one for each core', parseWhole)
    .option('--port <n>', 'default: 8000', parseWhole)
    .option(
      '--cors <origin>',
      'an origin whose pages may send requests, or * for all; repeat it or use commas for several; default: none',
      addOrigins,
    )
    .option('--config <file>', 'settings in JSON')
    .option('--config-schema', "print the JSON Schema of --config's file and exit");
  for (const [name, { about }] of Object.entries(NUMBER_SETTINGS))
    command.option(`--${kebabCase(name)} <n>`, about, parseWhole);
  for (const [name, { about }] of Object.entries(TEXT_SETTINGS)) command.option(`--${kebabCase(name)} <text>`, about);
  command
    .addHelpText(
      'after',
      '\nEach flag can also be set by an environment variable: --max-batch-size, for instance, by RESNET_MAX_BATCH_SIZE.' +
        '\nA flag overrides its variable, and that overrides the file of --config.',
    )
    .action(async (flags: Settings) => {
      if (flags.configSchema === true) {
        process.stdout.write(`${JSON.stringify(configSchema(), null, 2)}\n`);
        return;
      }
      const settings = { ...fromEnvironment(command), ...flags };
      const config = settings.config === undefined ? {} : await readConfig(settings.config as string);
      await serve({ ...config, ...settings, models: modelsOf(config, settings, command).map(withLayers) });
    });
}

async function serve(settings: Settings): Promise<void> {
  const { createServer } = await import('../serve/index.js'); // loads Fastify, for this command only
  const {
    host = '127.0.0.1',
    port = 8000,
    apiKeyFile,
    tlsCert,
    tlsKey,
  } = settings as {
    [name: string]: string | undefined;
  } & { port?: number };
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535))
    throw badArgument('port', 'an integer from 0 to 65535', port);
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new ResNetError('ERR_ARGUMENT', 'tlsCert and tlsKey belong together, but got one of them.');
  }
  const options = {
    ...settings,
    ...(apiKeyFile === undefined ? {} : { apiKeys: linesOf(await readText('apiKeyFile', apiKeyFile)) }),
    ...(tlsCert === undefined || tlsKey === undefined
      ? {}
      : { tls: { cert: await readText('tlsCert', tlsCert), key: await readText('tlsKey', tlsKey) } }),
  } as unknown as ServerOptions;
  // From the start: PID 1 of a container ignores signals without a handler.
  let end = (exitCode: number): void => process.exit(exitCode);
  onSignals((exitCode) => end(exitCode));
  const server = await withDownloadProgress((onProgress) =>
    createServer({ ...options, models: options.models.map((model) => ({ ...model, onProgress })) }),
  );
  // Requests in flight may finish.
  end = () =>
    void server.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  try {
    const url = await server.listen({ host, port });
    process.stdout.write(`${url}\n`);
  } catch (error) {
    await server.close();
    throw new ResNetError('ERR_ARGUMENT', `Cannot listen on ${host}:${port}: ${(error as Error).message}.`, {
      cause: error,
    });
  }
  if (options.apiKeys === undefined && !/^(127\.|localhost$|::1$)/.test(host)) {
    server.log.warn('open to other machines without API keys (apiKeyFile)');
  }
}

/** A published name fits several depths; the default is 50, as for `resnet classify`. */
function withLayers(model: ModelOptions): ModelOptions {
  return { ...model, layers: model.layers ?? defaultLayers(model.weights) };
}

function modelsOf(config: Settings, settings: Settings, command: Command): ModelOptions[] {
  const shared = Object.fromEntries(
    MODEL_FLAGS.filter((name) => settings[name] !== undefined).map((name) => [name, settings[name]]),
  );
  const { weights, prefix, layers, labels, calibration, ...others } = shared;
  const named = ((settings.model ?? []) as ModelOptions[]).map((model) => ({ ...others, ...model }));
  const first = weights === undefined ? [] : [shared as unknown as ModelOptions];
  const fromFlags = [...first, ...named];
  if (first.length === 0 && [prefix, layers, labels, calibration].some((value) => value !== undefined)) {
    command.error('error: --prefix, --layers, --labels and --calibration belong to --weights', { exitCode: 2 });
  }
  if (fromFlags.length > 0) return fromFlags;
  const fromFile = (config.models ?? []) as ModelOptions[];
  if (fromFile.length > 0) return fromFile.map((model) => ({ ...model, ...others }));
  command.error(
    'error: serve needs weights: --weights FILE or --model NAME=FILE for a trained network (safetensors, …), ' +
      "--weights DEFAULT for torchvision's, or --weights random for an untrained one, for trials",
    { exitCode: 2 },
  );
}

/** The RESNET_… variables of all options, parsed like the flags. */
function fromEnvironment(command: Command): Settings {
  const settings: Settings = {};
  for (const option of command.options) {
    const name = option.attributeName();
    const variable = `RESNET_${kebabCase(name).replaceAll('-', '_').toUpperCase()}`;
    const text = process.env[variable];
    if (text === undefined || text === '' || name === 'configSchema') continue;
    if (name === 'port' && text.startsWith('tcp://')) continue; // set by Kubernetes for a Service named resnet
    try {
      if (name === 'model')
        settings.model = text.split(',').reduce<ModelOptions[]>((models, item) => addModel(item, models), []);
      else {
        const parse = option.parseArg as ((text: string) => unknown) | undefined;
        settings[name] = parse === undefined ? text : parse(text);
      }
    } catch (error) {
      throw new ResNetError('ERR_ARGUMENT', `${variable}: ${(error as Error).message}`, { cause: error });
    }
  }
  return settings;
}

function addModel(text: string, previous: ModelOptions[] = []): ModelOptions[] {
  const [, name, weights] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || weights === undefined) throw new InvalidArgumentError('It must be NAME=FILE.');
  return [...previous, { name, weights }];
}

function addOrigins(text: string, previous: string[] = []): string[] {
  return [...previous, ...text.split(',').map((origin) => origin.trim())];
}

/** Bounds are checked later, for all sources of settings at once. */
function parseWhole(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

async function readText(argument: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new ResNetError('ERR_FILE', `${argument}: cannot read ${path}: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}

function linesOf(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
