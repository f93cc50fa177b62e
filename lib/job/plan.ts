import { createHash } from 'node:crypto';
import { checkInteger } from '../check';
import { badArgument, ResNetError, inspect } from '../errors';
import type { ImageClassifier } from '../image/classifier';
import { cannotRead, sha256OfFile } from '../regular-file';
import { openWeights } from '../weights/formats/open';
import { parseWeights } from '../weights/parse-weights';
import type { PictureList } from './list';

/** Everything that a job's output depends on: processes with equal plans write the same lines. */
export type Plan = Readonly<Record<string, string | number>>;

/**
 * Checks that two plans of one name are equal.
 *
 * @param where - where the other plan was found
 * @throws ERR_JOB_MISMATCH
 */
export function checkSame(plan: Plan, other: unknown, where: string): void {
  const known = (typeof other === 'object' && other !== null ? other : {}) as Readonly<Record<string, unknown>>;
  const name = Object.keys({ ...plan, ...known }).find((key) => plan[key] !== known[key]);
  if (name === undefined) return;
  throw new ResNetError(
    'ERR_JOB_MISMATCH',
    `The job must be the same in all its processes, but ${name} is ${inspect(plan[name])} here and ` +
      `${inspect(known[name])} in ${where}. Another job needs another name and another output.`,
  );
}

/** What a plan contains beyond the classifier's own properties. */
export interface PlanOptions {
  /** The job's name. */
  name: string;
  weights: string;
  /** Where the network is in the weights. */
  prefix?: string | undefined;
  /** The source of int8's ranges. */
  calibration: string | undefined;
  topK: number | undefined;
  shardSize: number;
}

/**
 * The plan of a job. Devices and threads are left out, since they may differ between the processes.
 *
 * @throws ERR_FILE; ERR_ARGUMENT if there are fewer classes than `topK`, or the weights are random without a seed
 */
export async function planOf(
  list: PictureList,
  classifier: Pick<ImageClassifier, 'layers' | 'numClasses' | 'dtype' | 'labels' | 'activation' | 'preprocess'>,
  { name, weights, prefix, calibration, topK, shardSize }: PlanOptions,
): Promise<Plan> {
  const { layers, numClasses, dtype, labels, activation, preprocess } = classifier;
  if (topK !== undefined) checkInteger('topK', topK, 1, numClasses); // before an impossible plan is written
  return {
    name,
    list: list.sha256,
    pictures: list.pictures,
    shardSize,
    weights: await identify(weights),
    ...(prefix === undefined ? {} : { prefix }),
    layers,
    classes: numClasses,
    dtype,
    ...(calibration === undefined ? {} : { calibration: await identifyCalibration(calibration) }),
    topK: topK ?? Math.min(5, numClasses),
    labels: sha256(JSON.stringify(labels)),
    ...(activation === 'softmax' ? {} : { activation }), // left out, so that plans of earlier jobs stay equal
    preprocess: JSON.stringify(preprocess),
  };
}

/** @throws ERR_ARGUMENT for 'random' without a seed, whose weights would differ between the processes */
export function checkSeeded(weights: string): void {
  const parsed = parseWeights(weights);
  if (parsed.kind !== 'random' || parsed.seed !== undefined) return;
  throw badArgument('weights', "'random:SEED' in a job, whose processes share it", weights);
}

/** Identifies weights by their content: the paths may differ between machines. */
async function identify(weights: string): Promise<string> {
  checkSeeded(weights);
  if (parseWeights(weights).kind !== 'file') return weights;
  const { path, entries } = await openWeights(weights, ([first]) => first?.tensors ?? new Map()); // any, for the shards
  const files = new Set(entries.map((entry) => entry.path ?? path));
  const hashes: string[] = [];
  for (const file of files) hashes.push(await hashOf(file));
  return hashes.length === 1 && hashes[0] !== undefined ? hashes[0] : sha256(hashes.sort().join());
}

async function identifyCalibration(calibration: string): Promise<string> {
  return calibration.endsWith('.json') ? await hashOf(calibration) : calibration;
}

async function hashOf(path: string): Promise<string> {
  try {
    return await sha256OfFile(path);
  } catch (error) {
    throw cannotRead(path, error);
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
