import type { FileHandle } from 'node:fs/promises';
import { inspect, type ResNetError } from '../../errors';
import type { DType } from '../../tensor';
import { isCounts, isRecord } from './guards';
import { firstDuplicateKey, firstOtherNumber } from './json-text';
import { malformedFile } from './malformed';
import { readBytes } from './read-bytes';
import { chooseEntries, type Choose } from './checkpoint';
import type { WeightEntry, WeightFile } from './weight-file';

/**
 * The safetensors format (huggingface/safetensors, format v0.3): 8 bytes of header length, a JSON header, the tensors'
 * bytes. As strict as the reference implementation: whatever two readers could understand differently is an error.
 */

const MAX_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;

/** Bytes per element of the format's types, and the dtype if {@link Tensor} has it. */
const TYPES: Readonly<Record<string, { bytes: number; dtype?: DType }>> = {
  F64: { bytes: 8, dtype: 'float64' },
  F32: { bytes: 4, dtype: 'float32' },
  F16: { bytes: 2, dtype: 'float16' },
  BF16: { bytes: 2, dtype: 'bfloat16' },
  I64: { bytes: 8, dtype: 'int64' },
  I32: { bytes: 4, dtype: 'int32' },
  I8: { bytes: 1, dtype: 'int8' },
  U8: { bytes: 1, dtype: 'uint8' },
  U64: { bytes: 8 },
  U32: { bytes: 4 },
  U16: { bytes: 2 },
  I16: { bytes: 2 },
  BOOL: { bytes: 1 },
  C64: { bytes: 8 },
  F8_E5M2: { bytes: 1 },
  F8_E4M3: { bytes: 1 },
  F8_E8M0: { bytes: 1 },
};

/** True if a file starts like safetensors: with a length, then `{`. */
export function looksLikeSafetensors(start: Uint8Array): boolean {
  return start[LENGTH_BYTES] === 0x7b /* { */ && start.subarray(4, LENGTH_BYTES).every((byte) => byte === 0);
}

/**
 * Reads and checks a header. Reads no tensor.
 *
 * @throws ERR_WEIGHTS_FORMAT with the rule that the file breaks
 */
export async function readSafetensorsHeader(path: string, file: FileHandle, choose: Choose): Promise<WeightFile> {
  const { size } = await file.stat();
  if (size < LENGTH_BYTES) throw invalid(path, `is ${size} bytes long, too short for a header`);
  const headerLength = new DataView((await readBytes(path, file, LENGTH_BYTES, 0)).buffer).getBigUint64(0, true);
  if (headerLength > BigInt(MAX_HEADER_BYTES)) {
    throw invalid(path, `has a header of ${headerLength} bytes, and at most ${MAX_HEADER_BYTES} are read`);
  }
  const length = Number(headerLength);
  if (length > size - LENGTH_BYTES)
    throw invalid(path, `has a header of ${length} bytes, which is longer than the file`);
  const text = decodeHeader(path, await readBytes(path, file, length, LENGTH_BYTES));
  const header = parseHeader(path, text);
  const start = LENGTH_BYTES + length;
  const entries = inFileOrder(path, parseTensors(path, header), size - start).map((tensor) => ({
    ...tensor,
    offset: tensor.offset + start,
  }));
  const metadata = parseMetadata(path, header);
  const other = firstOtherNumber(text);
  if (other !== undefined) throw invalid(path, `has the number ${other} in its header, and only digits make integers`);
  return { path, format: 'safetensors', metadata, entries: chooseEntries(entries, choose), inert: [] };
}

function decodeHeader(path: string, bytes: Uint8Array): string {
  if (bytes[0] !== 0x7b /* { */) throw invalid(path, 'has a header that does not start with {');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid(path, 'has a header that is not UTF-8');
  }
}

function parseHeader(path: string, text: string): Map<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    throw invalid(path, 'has a header that is not JSON');
  }
  const duplicate = firstDuplicateKey(text);
  if (duplicate !== undefined) throw invalid(path, `names ${inspect(duplicate)} twice in its header`);
  return new Map(Object.entries(header as object));
}

function parseMetadata(path: string, header: ReadonlyMap<string, unknown>): Record<string, string> {
  const metadata = header.get('__metadata__') ?? {};
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw invalid(path, 'has a __metadata__ that is not a map from strings to strings');
  }
  return metadata as Record<string, string>;
}

function parseTensors(path: string, header: ReadonlyMap<string, unknown>): WeightEntry[] {
  return [...header].filter(([name]) => name !== '__metadata__').map(([name, info]) => parseTensor(path, name, info));
}

function parseTensor(path: string, name: string, info: unknown): WeightEntry {
  const fail = (problem: string): ResNetError => invalid(path, `has a tensor ${inspect(name)} ${problem}`);
  if (!isRecord(info)) throw fail('that is not an object');
  if (/\p{Cs}/u.test(name)) throw fail('whose name is no Unicode');
  const { dtype: fileType, shape, data_offsets: offsets } = info;
  const type = typeof fileType === 'string' && Object.hasOwn(TYPES, fileType) ? TYPES[fileType] : undefined;
  if (typeof fileType !== 'string' || type === undefined) throw fail(`of the unknown dtype ${inspect(fileType)}`);
  if (!isCounts(shape)) throw fail(`whose shape is ${inspect(shape)}, no list of non-negative integers`);
  if (!isCounts(offsets) || offsets.length !== 2)
    throw fail(`whose data_offsets are ${inspect(offsets)}, no pair of non-negative integers`);
  const [begin, end] = offsets as [number, number];
  let needed = type.bytes;
  for (const dimension of shape) {
    needed *= dimension;
    if (!Number.isSafeInteger(needed)) throw fail(`whose shape ${inspect(shape)} overflows`); // before a 0 hides it
  }
  if (end - begin !== needed) throw fail(`of ${needed} bytes by its shape and ${end - begin} by its data_offsets`);
  return { name, dtype: type.dtype, fileType, shape, offset: begin, length: needed };
}

/** Sorts tensors by offset, and checks that they cover the data without gaps or overlaps. */
function inFileOrder(path: string, tensors: readonly WeightEntry[], dataLength: number): WeightEntry[] {
  const sorted = [...tensors].sort((a, b) => a.offset - b.offset || a.length - b.length);
  let end = 0;
  for (const { name, offset, length } of sorted) {
    if (offset < end) throw invalid(path, `has a tensor ${inspect(name)} that overlaps the one before it`);
    if (offset > end)
      throw invalid(path, `has ${offset - end} bytes before tensor ${inspect(name)} that belong to none`);
    end = offset + length;
  }
  if (end > dataLength) throw invalid(path, `ends ${end - dataLength} bytes before its last tensor does`);
  if (end < dataLength) throw invalid(path, `has ${dataLength - end} bytes after its last tensor`);
  return sorted;
}

function invalid(path: string, problem: string): ResNetError {
  return malformedFile(path, 'safetensors file', problem);
}
