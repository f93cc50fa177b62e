import { Option, type Command } from 'commander';
import type { Classify } from '../job/lines';
import { checkWeights, openClassifier, type NetworkFlags } from './network';
import { parseCount } from './options';
import { printable } from './printable';
import { Progress } from './progress';
import { onSignals } from './signals';

/** What `resnet classify` is told of a job. */
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
const LINGER = 200;
/** What only a job has. */
const OF_JOBS = ['list', 'output', 'redis', 'shardSize', 'stalledAfter'] as const;
/** A name for files and for keys in Redis. */
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
      `with --job: seconds without a sign of a process until its pictures are taken again; default: ${STALLED_AFTER}`,
      parseCount,
    );
}

/** Refuses what only a job has, where none was asked for. */
export function checkNoJob(flags: JobFlags, command: Command): void {
  const given = OF_JOBS.find((name) => flags[name] !== undefined);
  if (given === undefined) return;
  const flag = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  command.error(`error: --${flag} belongs to --job NAME`, { exitCode: 2 });
}

/** Works on a job beside the other processes that do, until its output is there. */
export async function classifyJob(
  pictures: readonly string[],
  flags: NetworkFlags & JobFlags,
  command: Command,
): Promise<void> {
  const { job: name = '', list: path, top: topK, calibration } = flags;
  const { output = `${name}.jsonl`, shardSize = SHARD_SIZE, stalledAfter = STALLED_AFTER } = flags;
  const wrong = (message: string): never => command.error(`error: ${message}`, { exitCode: 2 });
  if (!NAME.test(name)) wrong('--job must be a name of letters, digits, ".", "_" and "-", at most 64');
  if (path === undefined) return wrong('--job needs --list FILE');
  if (pictures.length > 0) wrong('--job takes its pictures from --list alone');

  const weights = checkWeights(flags, command);

  // For this command alone, as the queue's packages are.
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
    else progress.aside(write);
  };
  checkSeeded(weights);
  const list = await PictureList.read(path, shardSize);
  const stop = new AbortController();
  let exitCode = 0;
  onSignals((code) => {
    exitCode = code;
    stop.abort(); // gives back what is being worked on
  });
  const url = flags.redis ?? process.env.LIBTORCH_RESNET_REDIS_URL ?? REDIS;
  const connection = await connect(url, notice);
  try {
    using classifier = await openClassifier(flags, command);
    const classify: Classify = (paths, options) => classifier.classify(paths, { ...options, topK });
    const plan = await planOf(list, classifier, { name, weights, calibration, topK, shardSize });
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
    // Where Redis is gone, timers of the queue's may be left, which would keep an ended process for seconds.
    setTimeout(() => process.exit(), LINGER).unref();
  }
}
