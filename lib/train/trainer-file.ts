import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import { ResNetError } from '../errors';
import type { NativeModuleSpec, NativeSnapshot, NativeStateEntry } from '../native/addon';
import { fromNativeTensor } from '../native/tensors';
import { readRegularFile } from '../regular-file';
import { chooseUnchanged } from '../weights/formats/checkpoint';
import { readSafetensorsHeader } from '../weights/formats/safetensors';
import { saveSafetensors } from '../weights/formats/save-safetensors';
import type { ResolvedTrainerOptions } from './trainer-options';

const FORMAT = 'libtorch-resnet trainer 1';
const FILE_NAME = 'trainer.safetensors';

/** A trainer as a file: everything that the next step depends on. */
export interface TrainerFile {
  path: string;
  spec: NativeModuleSpec;
  options: ResolvedTrainerOptions;
  updates: number;
  accumulated: number;
  entries: readonly NativeStateEntry[];
}

/** Writes `trainer.safetensors` into the folder, atomically. @throws ERR_FILE */
export async function saveTrainerFile(
  folder: string,
  spec: NativeModuleSpec,
  options: ResolvedTrainerOptions,
  { entries, updates, accumulated }: NativeSnapshot,
): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new ResNetError('ERR_FILE', `Cannot make the folder ${folder}: ${(error as Error).message}.`, {
      cause: error,
    });
  });
  const tensors = new Map(entries.map((entry) => [entry.name, fromNativeTensor(entry)]));
  await saveSafetensors(join(folder, FILE_NAME), tensors, {
    format: FORMAT,
    spec: JSON.stringify(spec),
    options: JSON.stringify(options),
    updates: String(updates),
    accumulated: String(accumulated),
  });
}

/** @throws ERR_FILE, ERR_WEIGHTS_FORMAT; ERR_CHECKPOINT if the file was not written by a trainer */
export async function readTrainerFile(folder: string): Promise<TrainerFile> {
  const path = join(folder, FILE_NAME);
  const { metadata, entries } = await readRegularFile(path, (file) =>
    readSafetensorsHeader(path, file, chooseUnchanged),
  );
  try {
    if (metadata.format !== FORMAT) throw new Error(`its format is ${JSON.stringify(metadata.format)}`);
    const parse = (name: string): unknown => JSON.parse(metadata[name] ?? '');
    const [updates, accumulated] = [parse('updates'), parse('accumulated')] as [number, number];
    if (![updates, accumulated].every((count) => Number.isSafeInteger(count) && count >= 0)) {
      throw new Error('its counters are no integers');
    }
    return {
      path,
      spec: parse('spec') as NativeModuleSpec,
      options: parse('options') as ResolvedTrainerOptions,
      updates,
      accumulated,
      entries: entries.map(({ name, shape, offset, length }) => ({ name, shape, offset, length })),
    };
  } catch (error) {
    const reason = (error as Error).message;
    throw new ResNetError('ERR_CHECKPOINT', `${path} is not a trainer's checkpoint: ${reason}.`, { cause: error });
  }
}
