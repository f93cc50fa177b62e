import type { FileHandle } from 'node:fs/promises';
import { ResNetError, inspect } from '../../errors';
import { malformedFile } from './malformed';
import { checkBudget } from './budget';
import { ByteWindow } from './byte-window';
import { stateDictsOf, type Choose } from './checkpoint';
import { unpickle, type PickleRules } from './pickle';
import { FormatViolation } from './pickle-values';
import { torchEntry, type StorageLocation } from './torch-entry';
import { persistentStorage, TORCH, TORCH_TENSORS, type TorchStorage } from './torch-values';
import type { WeightFile } from './weight-file';

/**
 * PyTorch's format before 1.6: five pickles (magic number, version, number formats of the machine, the object, the keys
 * of its storages), then for each storage its number of elements and its bytes.
 */

const KIND = 'PyTorch file';
const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;
const COUNT_BYTES = 8;
const NO_PICKLED_GLOBALS: PickleRules['globals'] = new Map();

/** True if a file starts with the pickle of the magic number. */
export function looksLikeLegacyPth(start: Uint8Array): boolean {
  const magic = Buffer.from(MAGIC.toString(16), 'hex').reverse();
  return start[0] === 0x80 && Buffer.from(start.subarray(0, 32)).includes(magic);
}

/** True for a tar archive, which PyTorch wrote before 0.1.10. */
export function looksLikeTar(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(257, 262)).toString('latin1') === 'ustar';
}

/** @throws ERR_WEIGHTS_FORMAT, ERR_WEIGHTS_GLOBAL */
export async function readLegacyPthHeader(path: string, file: FileHandle, choose: Choose): Promise<WeightFile> {
  const { size } = await file.stat();
  const fail = (problem: string): ResNetError => malformedFile(path, KIND, problem);
  const window = new ByteWindow(file, 0, size, () => fail('ends early'));
  const storages = new Map<string, TorchStorage>();
  const inert = new Set<string>();
  const next = (rules: Partial<PickleRules> = {}): Promise<unknown> =>
    unpickle(window, { globals: NO_PICKLED_GLOBALS, fail, path, ...rules });
  try {
    if ((await next()) !== MAGIC || (await next()) !== VERSION) throw new FormatViolation('has an unknown version');
    const bigEndian = isBigEndian(await next());
    const persistent = (id: unknown): TorchStorage => registerStorage(storages, persistentStorage(id));
    const root = await next({ globals: TORCH, persistent, inert });
    const locations = await locateStorages(window, await next(), storages, bigEndian);
    const tensors = choose(stateDictsOf(root, TORCH_TENSORS, { path, inert }));
    const entries = [...tensors].map(([name, tensor]) => {
      const location = locations.get(tensor.storage.key);
      if (location === undefined) throw new FormatViolation(`lacks the storage of tensor ${inspect(name)}`);
      return torchEntry(name, tensor, location);
    });
    checkBudget(entries, size);
    return { path, format: 'pth', metadata: {}, entries, inert: [...inert] };
  } catch (error) {
    throw error instanceof FormatViolation ? fail(error.message) : error;
  }
}

function isBigEndian(system: unknown): boolean {
  const little: unknown = system instanceof Map ? system.get('little_endian') : undefined;
  if (typeof little !== 'boolean') throw new FormatViolation('does not say how its numbers are written');
  return !little;
}

/** All references to a key must agree on the storage, whatever part of it each of them views. */
function registerStorage(storages: Map<string, TorchStorage>, storage: TorchStorage): TorchStorage {
  const first = storages.get(storage.key) ?? storage;
  if (first.type !== storage.type || first.count !== storage.count) {
    throw new FormatViolation(`has a storage ${inspect(storage.key)} of two types or lengths`);
  }
  storages.set(storage.key, first);
  return storage;
}

/** The storages follow the pickles, in the order of the keys. */
async function locateStorages(
  window: ByteWindow,
  keys: unknown,
  storages: ReadonlyMap<string, TorchStorage>,
  bigEndian: boolean,
): Promise<Map<string, StorageLocation>> {
  if (!Array.isArray(keys)) throw new FormatViolation('has no list of its storages');
  const locations = new Map<string, StorageLocation>();
  for (const key of keys as unknown[]) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined) throw new FormatViolation(`lists a storage ${inspect(key)} that no tensor has`);
    if (locations.has(storage.key)) throw new FormatViolation(`lists the storage ${inspect(key)} twice`);
    await window.ensure(COUNT_BYTES);
    const count = window.uint64();
    if (count !== storage.count) {
      throw new FormatViolation(
        `has a storage ${inspect(key)} of ${count} elements where its tensors have ${storage.count}`,
      );
    }
    const size = count * storage.type.bytes;
    locations.set(storage.key, { offset: window.position, length: size, size, encoding: 'none', bigEndian });
    window.skip(size);
  }
  if (window.remaining > 0) throw new FormatViolation(`has ${window.remaining} bytes behind its last storage`);
  return locations;
}
