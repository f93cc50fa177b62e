import { Option, type Command } from 'commander';
import type { Classify } from '../job/lines';
import { checkWeights, openClassifier, type NetworkFlags } from './network';
import { parseCount } from './options';
import { printable } from './printable';
import { Progress } from './progress';
import { onSignals } from './signals';

/** The flags of `resnet classify` for a job. */
export interface JobFlags {
  job?: string;
  list?: string;
  output?: string;
  redis?: string;
  shardSize?: number;
  stalledAfter?: number;
  top?: number;
}

const [SHARD_SIZE, STALLED_AFTER, REDIS] = [1000, 30, 'redis://127.0.0.1:6379'];
/** Milliseconds. */
const EXIT_DELAY = 200;
/** Flags that need --job. */
const JOB_ONLY = ['list', 'output', 'redis', 'shardSize', 'stalledAfter'] as const;
/** The name is part of file names and of keys in Redis. */
const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

export function addJobOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--job <name>', 'share a long list with all processes that run this command').conflicts([
        'server',
        'format',
      ]),
    )
    .option('--list <file>', 'with --job: its pictures, one a line; relative paths begin at the folder of the list')
    .option('-o, --output <file>', 'with --job: JSON Lines, one for each line of the list; default: NAME.jsonl')
    .option(
      '--redis <url>',
      `with --job: where its queue is; default: LIBTORCH_RESNET_REDIS_URL, where a password belongs, or ${REDIS}`,
    )
    .option(
      '--shard-size <n>',
      `with --job: pictures that a process takes at a time; default: ${SHARD_SIZE}`,
      parseCount,
    )
    .option(
      '--stalled-after <s>',
      `with --job: seconds without a sign of life after which a process's pictures go to another; default: ${STALLED_AFTER}`,
      parseCount,
    );
}

/** Rejects the flags of a job without --job. */
export function checkNoJob(flags: JobFlags, command: Command): void {
  const used = JOB_ONLY.find((name) => flags[name] !== undefined);
  if (used === undefined) return;
  const flag = used.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  command.error(`error: --${flag} belongs to --job NAME`, { exitCode: 2 });
}

/** Works on a job, together with other processes, until its output is complete. */
export async function classifyJob(
  pictures: readonly string[],
  flags: NetworkFlags & JobFlags,
  command: Command,
): Promise<void> {
  const { job: name = '', list: path, top: topK, calibration, prefix } = flags;
  const { output = `${name}.jsonl`, shardSize = SHARD_SIZE, stalledAfter = STALLED_AFTER } = flags;
  const usageError = (message: string): never => command.error(`error: ${message}`, { exitCode: 2 });
  if (!NAME.test(name)) usageError('--job must be a name of letters, digits, ".", "_" and "-", at most 64');
  if (path === undefined) return usageError('--job needs --list FILE');
  if (pictures.length > 0) usageError('--job takes its pictures from --list alone');

  const weights = checkWeights(flags, command);

  // Loaded for this command only, like the packages of the queue.
  const [{ PictureList }, { checkSeeded, planOf }, { connect }, { runJob }] = await Promise.all([
    import('../job/list.js'),
    import('../job/plan.js'),
    import('../job/redis.js'),
    import('../job/run.js'),
  ]);
  let progress: Progress | undefined;
  const notice = (text: string): void => {
    const write = (): void => void process.stderr.write(`resnet: ${printable(text)}\n`);
    if (progress === undefined) write();
    else progress.writeAround(write);
  };
  checkSeeded(weights);
  const list = await PictureList.read(path, shardSize);
  const stop = new AbortController();
  let exitCode = 0;
  onSignals((code) => {
    exitCode = code;
    stop.abort(); // gives back the current shard
  });
  const url = flags.redis ?? process.env.LIBTORCH_RESNET_REDIS_URL ?? REDIS;
  const connection = await connect(url, notice);
  try {
    using classifier = await openClassifier(flags, command);
    const classify: Classify = (paths, options) => classifier.classify(paths, { ...options, topK });
    const plan = await planOf(list, classifier, { name, weights, prefix, calibration, topK, shardSize });
    let last: number | undefined;
    const onProgress = async (done: number): Promise<void> => {
      progress ??= await Progress.begin(list.pictures, 'pictures', done);
      progress.add(done - (last ?? done));
      last = done;
    };
    const merged = await runJob({
      ...{ list, plan, output, connection, classify, stalledAfter },
      ...{ signal: stop.signal, onProgress },
    });
    progress?.end();
    if (merged === undefined) notice(`${output} is done`);
    else notice(`${output} is done: ${merged.pictures} pictures, ${merged.failed} of them failed`);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    notice(`stopped; the same command goes on with ${output}`);
    process.exitCode = exitCode;
  } finally {
    progress?.end();
    connection.end();
    // If Redis is down, timers of the queue would keep the process alive for seconds.
    setTimeout(() => process.exit(), EXIT_DELAY).unref();
  }
}
