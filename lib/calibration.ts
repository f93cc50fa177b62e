import { badArgument, ResNetError, inspect } from './errors';
import { readRegularFile } from './regular-file';
import { writeAtomically } from './atomic-write';

/** The range of one activation of a network. */
export interface Range {
  name: string;
  min: number;
  max: number;
}

/** A range in the file, whose keys are `least` and `most`. */
interface SavedRange {
  name: string;
  least: number;
  most: number;
}

/** The architecture that a calibration belongs to. */
interface Architecture {
  readonly layers: number;
  readonly numClasses: number;
}

const FORMAT = 'libtorch-resnet calibration 1';
/** The calibration of a ResNet-152 has about 20,000 bytes. */
const MAX_BYTES = 2 ** 20;

/** Writes ranges as JSON. @throws ERR_FILE */
export async function writeCalibration(path: string, network: Architecture, ranges: readonly Range[]): Promise<void> {
  if (typeof path !== 'string' || path === '') throw badArgument('path', 'the path of a file', path);
  const { layers, numClasses } = network;
  const saved = ranges.map(({ name, min, max }): SavedRange => ({ name, least: min, most: max }));
  const calibration = { format: FORMAT, layers, numClasses, ranges: saved };
  await writeAtomically(path, [`${JSON.stringify(calibration, null, 2)}\n`]);
}

/** Reads a file that {@link writeCalibration} wrote. @throws ERR_FILE, ERR_CALIBRATION */
export async function readCalibration(path: string, network: Architecture): Promise<Range[]> {
  return readRegularFile(path, async (file) => {
    const { size } = await file.stat();
    if (size > MAX_BYTES) throw notCalibration(path);
    return parseCalibration(path, await file.readFile('utf8'), network);
  });
}

/** Parses and checks the text of a calibration file. @internal */
export function parseCalibration(path: string, text: string, network: Architecture): Range[] {
  const saved = parse(text);
  if (saved === undefined) throw notCalibration(path);
  if (saved.layers !== network.layers) {
    throw new ResNetError(
      'ERR_CALIBRATION',
      `${path} was calibrated with a ResNet-${saved.layers}, but this is a ResNet-${network.layers}.`,
    );
  }
  return saved.ranges.map(({ name, least, most }) => {
    if (isFloat32(least) && isFloat32(most) && least <= most) return { name, min: least, max: most };
    throw new ResNetError(
      'ERR_CALIBRATION',
      `${path} must have two float32 numbers for ${inspect(name)}, the smaller one first, but has ${least} and ${most}.`,
    );
  });
}

const MAX_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;
const isFloat32 = (value: number): boolean => Math.abs(value) <= MAX_FLOAT32;

const notCalibration = (path: string): ResNetError =>
  new ResNetError('ERR_CALIBRATION', `${path} is not a calibration of this package.`);

function parse(text: string): { layers: number; ranges: SavedRange[] } | undefined {
  try {
    const { format, layers, ranges } = JSON.parse(text) as { format: unknown; layers: number; ranges: SavedRange[] };
    if (format !== FORMAT || !Number.isInteger(layers) || !Array.isArray(ranges)) return undefined;
    const valid = ranges.every(
      ({ name, least, most }) => typeof name === 'string' && typeof least === 'number' && typeof most === 'number',
    );
    return valid ? { layers, ranges } : undefined;
  } catch {
    return undefined;
  }
}
