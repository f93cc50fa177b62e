import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { ResNetError, inspect } from '../../errors';
import { malformedFile } from './malformed';
import { checkBudget } from './budget';
import { ByteWindow, memorySource } from './byte-window';
import { readBytes } from './read-bytes';
import { stateDictsOf, type Choose } from './checkpoint';
import { unpickle } from './pickle';
import { FormatViolation } from './pickle-values';
import { torchEntry, type StorageLocation } from './torch-entry';
import { persistentStorage, TORCH, TORCH_TENSORS } from './torch-values';
import { inflate } from './unpack';
import type { WeightEntry, WeightFile } from './weight-file';
import { openZip, type Zip, type ZipRecord } from './zip';

/**
 * PyTorch's zip format (since 1.6): `NAME/data.pkl` is the pickled object, each `NAME/data/KEY` a storage, and
 * `NAME/byteorder` the byte order of the numbers. Storages are not compressed, so that their bytes can be read in
 * place; archives that were repacked with compression can be read as well.
 */

const KIND = 'PyTorch file';
const MAX_PICKLE_BYTES = 1 << 26;
/** Stored instead of every CRC-32 if PyTorch was told not to compute them (`set_crc32_options(False)`). */
const NOT_COMPUTED = 0;
const BYTE_ORDERS: Readonly<Record<string, boolean>> = { little: false, big: true };

/** @throws ERR_WEIGHTS_FORMAT, ERR_WEIGHTS_GLOBAL, ERR_UNSUPPORTED_FORMAT */
export async function readPthHeader(path: string, file: FileHandle, choose: Choose): Promise<WeightFile> {
  const archive = new Archive(path, file, await openZip(path, file));
  const inert = new Set<string>();
  try {
    const entries = await archive.entries(choose, inert);
    checkBudget(entries, (await file.stat()).size);
    return { path, format: 'pth', metadata: {}, entries, inert: [...inert] };
  } catch (error) {
    throw error instanceof FormatViolation ? malformedFile(path, KIND, error.message) : error;
  }
}

class Archive {
  readonly #prefix: string;

  constructor(
    readonly path: string,
    readonly file: FileHandle,
    readonly zip: Zip,
  ) {
    // As in PyTorch: the folder of the first record holds all others.
    const [first = ''] = zip.records.keys();
    this.#prefix = first.slice(0, first.indexOf('/') + 1);
    if (this.#prefix === '' || !zip.records.has(`${this.#prefix}data.pkl`)) {
      throw new ResNetError(
        'ERR_UNSUPPORTED_FORMAT',
        `${path} is a zip archive without a data.pkl, and not PyTorch's.`,
      );
    }
    if (zip.records.has(`${this.#prefix}constants.pkl`)) {
      const advice = 'Save its state_dict() instead.';
      throw new ResNetError('ERR_UNSUPPORTED_FORMAT', `${path} is a TorchScript program and holds code. ${advice}`);
    }
  }

  async entries(choose: Choose, inert: Set<string>): Promise<WeightEntry[]> {
    const pickle = await this.#readRecord('data.pkl', MAX_PICKLE_BYTES);
    const fail = (problem: string): ResNetError => malformedFile(this.path, KIND, problem);
    const window = new ByteWindow(memorySource(pickle), 0, pickle.length, () => fail('ends within its pickle'));
    const { path } = this;
    const root = await unpickle(window, { globals: TORCH, persistent: persistentStorage, inert, fail, path });
    const bigEndian = await this.#isBigEndian();
    const locations = new Map<string, StorageLocation>();
    const entries: WeightEntry[] = [];
    for (const [name, tensor] of choose(stateDictsOf(root, TORCH_TENSORS, { path, inert }))) {
      const { key } = tensor.storage;
      const location = locations.get(key) ?? (await this.#locateStorage(key, bigEndian));
      locations.set(key, location);
      entries.push(torchEntry(name, tensor, location));
    }
    return entries;
  }

  async #locateStorage(key: string, bigEndian: boolean): Promise<StorageLocation> {
    const record = this.#record(`data/${key}`);
    const { offset, length } = await this.zip.locate(record);
    const { size, deflated, crc32, name } = record;
    return {
      ...{ offset, length, size, bigEndian },
      encoding: deflated ? 'deflate' : 'none',
      checksum: crc32 === NOT_COMPUTED ? undefined : { record: name, offset, length, crc32 },
    };
  }

  async #isBigEndian(): Promise<boolean> {
    if (!this.zip.records.has(`${this.#prefix}byteorder`)) return false;
    const order = Buffer.from(await this.#readRecord('byteorder', 16)).toString('latin1');
    const big = Object.hasOwn(BYTE_ORDERS, order) ? BYTE_ORDERS[order] : undefined;
    if (big === undefined) throw new FormatViolation(`has the byte order ${inspect(order)}`);
    return big;
  }

  #record(name: string): ZipRecord {
    const record = this.zip.records.get(this.#prefix + name);
    if (record === undefined) throw new FormatViolation(`lacks ${inspect(this.#prefix + name)}`);
    return record;
  }

  /** Reads a small record and checks its CRC-32. */
  async #readRecord(name: string, maxBytes: number): Promise<Uint8Array> {
    const record = this.#record(name);
    const { offset, length } = await this.zip.locate(record);
    if (record.size > maxBytes || length > maxBytes)
      throw new FormatViolation(`has a ${name} of ${record.size} bytes, and at most ${maxBytes} are read`);
    const raw = await readBytes(this.path, this.file, length, offset);
    const bytes = record.deflated ? await inflate(raw, record.size) : raw;
    const intact = bytes?.length === record.size && [NOT_COMPUTED, crc32(bytes)].includes(record.crc32);
    if (!intact) throw new FormatViolation(`has a damaged ${name}`);
    return bytes;
  }
}
