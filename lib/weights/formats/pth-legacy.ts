import type { FileHandle } from 'node:fs/promises';
import { ResNetError, show } from '../../errors';
import { brokenFile } from './broken-file';
import { checkBudget } from './budget';
import { ByteWindow } from './byte-window';
import { stateDictOf } from './checkpoint';
import { unpickle, type PickleRules } from './pickle';
import { Refusal } from './pickle-values';
import { torchEntry, type StoragePlace } from './torch-entry';
import { persistentStorage, TORCH, TorchTensor, type TorchStorage } from './torch-values';
import type { WeightFile } from './weight-file';

/**
 * PyTorch's format before 1.6: five pickles (magic number, version, how the machine writes numbers, the object, the
 * keys of its storages), then each storage: its number of elements, its bytes.
 */

const KIND = 'PyTorch file';
const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;
const COUNT_BYTES = 8;
const NO_PICKLED_GLOBALS: PickleRules['globals'] = new Map();

/** True where a file begins with the magic number's pickle. */
export function looksLikeLegacyPth(start: Uint8Array): boolean {
  const magic = Buffer.from(MAGIC.toString(16), 'hex').reverse();
  return start[0] === 0x80 && Buffer.from(start.subarray(0, 32)).includes(magic);
}

/** True where a file is a tar archive, as PyTorch wrote before 0.1.10. */
export function looksLikeTar(start: Uint8Array): boolean {
  return Buffer.from(start.subarray(257, 262)).toString('latin1') === 'ustar';
}

/** @throws ERR_WEIGHTS_FORMAT, ERR_WEIGHTS_GLOBAL */
export async function readLegacyPthHeader(path: string, file: FileHandle): Promise<WeightFile> {
  const { size } = await file.stat();
  const fail = (what: string): ResNetError => brokenFile(path, KIND, what);
  const window = new ByteWindow(file, 0, size, () => fail('ends early'));
  const storages = new Map<string, TorchStorage>();
  const next = (rules: Partial<PickleRules> = {}): Promise<unknown> =>
    unpickle(window, { globals: NO_PICKLED_GLOBALS, fail, path, ...rules });
  try {
    if ((await next()) !== MAGIC || (await next()) !== VERSION) throw new Refusal('has an unknown version');
    const bigEndian = writtenBigEndian(await next());
    const persistent = (id: unknown): TorchStorage => known(storages, persistentStorage(id));
    const root = await next({ globals: TORCH, persistent });
    const places = await placesOf(window, await next(), storages, bigEndian);
    const tensors = stateDictOf(root, (value) => value instanceof TorchTensor);
    const entries = [...tensors].map(([name, tensor]) => {
      const place = places.get(tensor.storage.key);
      if (place === undefined) throw new Refusal(`lacks the storage of tensor ${show(name)}`);
      return torchEntry(name, tensor, place);
    });
    checkBudget(entries, size);
    return { path, format: 'pth', metadata: {}, entries };
  } catch (error) {
    throw error instanceof Refusal ? fail(error.message) : error;
  }
}

function writtenBigEndian(system: unknown): boolean {
  const little: unknown = system instanceof Map ? system.get('little_endian') : undefined;
  if (typeof little !== 'boolean') throw new Refusal('does not say how its numbers are written');
  return !little;
}

/** One key is one storage, whatever part of it each tensor sees. */
function known(storages: Map<string, TorchStorage>, storage: TorchStorage): TorchStorage {
  const first = storages.get(storage.key) ?? storage;
  if (first.type !== storage.type || first.count !== storage.count) {
    throw new Refusal(`has a storage ${show(storage.key)} of two types or lengths`);
  }
  storages.set(storage.key, first);
  return storage;
}

/** The storages follow the pickles in the order of the keys. */
async function placesOf(
  window: ByteWindow,
  keys: unknown,
  storages: ReadonlyMap<string, TorchStorage>,
  bigEndian: boolean,
): Promise<Map<string, StoragePlace>> {
  if (!Array.isArray(keys)) throw new Refusal('has no list of its storages');
  const places = new Map<string, StoragePlace>();
  for (const key of keys as unknown[]) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined) throw new Refusal(`lists a storage ${show(key)} that no tensor has`);
    if (places.has(storage.key)) throw new Refusal(`lists the storage ${show(key)} twice`);
    await window.ensure(COUNT_BYTES);
    const count = window.uint64();
    if (count !== storage.count) {
      throw new Refusal(`has a storage ${show(key)} of ${count} elements where its tensors have ${storage.count}`);
    }
    const size = count * storage.type.bytes;
    places.set(storage.key, { offset: window.position, length: size, size, coding: 'none', bigEndian });
    window.skip(size);
  }
  if (window.left > 0) throw new Refusal(`has ${window.left} bytes behind its last storage`);
  return places;
}
