import { readFile } from 'node:fs/promises';
import { badArgument, ResNetError } from './errors';
import { cannotRead } from './regular-file';
import { writeWhole } from './whole-file';

/** The numbers that one value of a network takes. */
export interface Range {
  name: string;
  least: number;
  most: number;
}

/** Which network a calibration was made with: it fits no other. */
interface Network {
  readonly layers: number;
  readonly numClasses: number;
}

const FORMAT = 'libtorch-resnet calibration 1';

/** Writes ranges as JSON. @throws ERR_FILE */
export async function writeCalibration(path: string, network: Network, ranges: readonly Range[]): Promise<void> {
  if (typeof path !== 'string' || path === '') throw badArgument('path', 'the path of a file', path);
  const { layers, numClasses } = network;
  await writeWhole(path, [`${JSON.stringify({ format: FORMAT, layers, numClasses, ranges }, null, 2)}\n`]);
}

/** Reads what {@link writeCalibration} wrote. @throws ERR_FILE, ERR_CALIBRATION */
export async function readCalibration(path: string, network: Network): Promise<Range[]> {
  let text;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw cannotRead(path, error);
  }
  return rangesIn(path, text, network);
}

/** The ranges in a calibration's text. @internal */
export function rangesIn(path: string, text: string, network: Network): Range[] {
  const found = parse(text);
  if (found === undefined) throw new ResNetError('ERR_CALIBRATION', `${path} is not a calibration of this package.`);
  if (found.layers !== network.layers) {
    throw new ResNetError(
      'ERR_CALIBRATION',
      `${path} was calibrated with a ResNet-${found.layers}, but this is a ResNet-${network.layers}.`,
    );
  }
  return found.ranges;
}

function parse(text: string): { layers: number; ranges: Range[] } | undefined {
  try {
    const { format, layers, ranges } = JSON.parse(text) as { format: unknown; layers: number; ranges: Range[] };
    if (format !== FORMAT || !Number.isInteger(layers) || !Array.isArray(ranges)) return undefined;
    const whole = ranges.every(
      ({ name, least, most }) => typeof name === 'string' && Number.isFinite(least) && Number.isFinite(most),
    );
    return whole ? { layers, ranges } : undefined;
  } catch {
    return undefined;
  }
}
