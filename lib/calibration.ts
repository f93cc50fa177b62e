import { badArgument, ResNetError, show } from './errors';
import { readingFile } from './regular-file';
import { writeWhole } from './whole-file';

/** The smallest and the largest number that one value of a network takes. */
export interface Range {
  name: string;
  min: number;
  max: number;
}

/** A range as the file has it. */
interface SavedRange {
  name: string;
  least: number;
  most: number;
}

/** The network that a calibration was made with: it fits no other. */
interface Network {
  readonly layers: number;
  readonly numClasses: number;
}

const FORMAT = 'libtorch-resnet calibration 1';
/** That of a ResNet-152 has some 20,000. */
const MAX_BYTES = 2 ** 20;

/** Writes ranges as JSON. @throws ERR_FILE */
export async function writeCalibration(path: string, network: Network, ranges: readonly Range[]): Promise<void> {
  if (typeof path !== 'string' || path === '') throw badArgument('path', 'the path of a file', path);
  const { layers, numClasses } = network;
  const saved = ranges.map(({ name, min, max }): SavedRange => ({ name, least: min, most: max }));
  const calibration = { format: FORMAT, layers, numClasses, ranges: saved };
  await writeWhole(path, [`${JSON.stringify(calibration, null, 2)}\n`]);
}

/** Reads what {@link writeCalibration} wrote. @throws ERR_FILE, ERR_CALIBRATION */
export async function readCalibration(path: string, network: Network): Promise<Range[]> {
  return readingFile(path, async (file) => {
    const { size } = await file.stat();
    if (size > MAX_BYTES) throw noCalibration(path);
    return rangesIn(path, await file.readFile('utf8'), network);
  });
}

/** The ranges in a calibration's text. @internal */
export function rangesIn(path: string, text: string, network: Network): Range[] {
  const saved = parse(text);
  if (saved === undefined) throw noCalibration(path);
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
      `${path} must have two numbers of float32 for ${show(name)}, the lesser first, but has ${least} and ${most}.`,
    );
  });
}

const MAX_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;
const isFloat32 = (value: number): boolean => Math.abs(value) <= MAX_FLOAT32;

const noCalibration = (path: string): ResNetError =>
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
