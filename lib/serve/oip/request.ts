import { inspect } from '../../errors';
import { elementCount } from '../../tensor';
import { badRequest } from '../http/error-response';
import { parseBoolean, parseInteger, parseJson, parseList, parseObject, type JsonObject } from '../http/json-body';
import type { InferenceInput } from '../inference';
import type { NetworkInput } from '../../image/batch';
import { bytesFromBinary, bytesFromJson, floatsFromBinary, numbersFromJson, uint8FromBinary } from './tensors';

/** A parsed infer request of the Open Inference Protocol. */
export interface InferRequest {
  id: string | undefined;
  /** Triton's parameter `timeout`, which is in microseconds; undefined: none. */
  timeoutMs: number | undefined;
  /** Return probabilities instead of logits. */
  softmax: boolean;
  input: InferenceInput;
  /** How to write the output `logits`. */
  output: { binary: boolean; classification: number | undefined };
}

/** The three inputs, of which a request has exactly one; the first dimension is the batch. */
export const INPUTS = {
  image: { datatype: 'BYTES', shape: [-1] },
  pixels: { datatype: 'UINT8', shape: [-1, -1, -1, 3] },
  input: { datatype: 'FP32', shape: [-1, 3, -1, -1] },
} as const;
type InputName = keyof typeof INPUTS;

/**
 * Parses an infer request: JSON, followed by the binary tensors. Optional values that are null are absent, as some
 * clients write them.
 *
 * With a JSON of no length (Triton's raw binary request) the body is one encoded picture, and the answer is binary.
 *
 * @param body - the whole body
 * @param headerLength - the header Inference-Header-Content-Length, the length of the JSON; undefined: all is JSON
 * @param checkCount - called with the number of pictures before an object is made for each; may throw
 * @throws ERR_REQUEST, and what `checkCount` throws
 */
export function parseInfer(
  body: Buffer,
  headerLength: string | undefined,
  checkCount: (pictures: number) => void,
): InferRequest {
  const length = headerLength === undefined ? body.length : parseLength(headerLength, body.length);
  if (length === 0 && headerLength !== undefined) return rawRequest(body, checkCount);
  const request = parseObject(parseJson(body.subarray(0, length), 'The request'), 'The request');
  const id = request.id ?? undefined;
  if (id !== undefined && typeof id !== 'string') throw badRequest(`id must be a string, but got ${inspect(id)}.`);
  const parameters = parseParameters(request, 'The request');
  const inputs = parseList(request.inputs, 'inputs').map((item, i) => parseObject(item, `inputs[${i}]`));
  const [input] = inputs;
  if (input === undefined || inputs.length !== 1) {
    throw badRequest(
      `inputs must hold exactly one of ${Object.keys(INPUTS).join(', ')}, but got ${inputs.length} inputs.`,
    );
  }
  const timeout = parameters.timeout ?? 0;
  return {
    id,
    timeoutMs: parseInteger(timeout, 'parameters.timeout', 0, Number.MAX_SAFE_INTEGER) / 1000 || undefined,
    softmax: parseBoolean(parameters.softmax, 'parameters.softmax', false),
    input: parseInput(input, body.subarray(length), length, checkCount),
    output: parseOutput(
      request.outputs,
      parseBoolean(parameters.binary_data_output, 'parameters.binary_data_output', false),
    ),
  };
}

function rawRequest(body: Buffer, checkCount: (pictures: number) => void): InferRequest {
  checkCount(1);
  return {
    id: undefined,
    timeoutMs: undefined,
    softmax: false,
    input: { pictures: [body] },
    output: { binary: true, classification: undefined },
  };
}

function parseLength(header: string, max: number): number {
  const length = /^\d{1,10}$/.test(header) ? Number(header) : NaN;
  if (length <= max) return length;
  throw badRequest(`Inference-Header-Content-Length must be the length of the JSON, at most ${max}.`);
}

function parseParameters(parent: JsonObject, name: string): JsonObject {
  const parameters = parseObject(parent.parameters ?? {}, `${name}: parameters`);
  if ((parameters.shared_memory_region ?? undefined) !== undefined)
    throw badRequest(`${name}: shared memory is not supported.`);
  return parameters;
}

function parseInput(
  input: JsonObject,
  binary: Buffer,
  jsonLength: number,
  checkCount: (pictures: number) => void,
): InferenceInput {
  const { name, datatype } = input;
  const data = input.data ?? undefined;
  if (typeof name !== 'string' || !Object.hasOwn(INPUTS, name)) {
    throw badRequest(`An input's name must be one of ${Object.keys(INPUTS).join(', ')}, but got ${inspect(name)}.`);
  }
  const spec = INPUTS[name as InputName];
  if (datatype !== spec.datatype) {
    throw badRequest(`Input ${name} must have datatype ${spec.datatype}, but got ${inspect(datatype)}.`);
  }
  const shape = parseShape(input.shape, spec.shape, name);
  checkCount(shape[0] ?? 0);
  const count = elementCount(shape);
  const size = parseParameters(input, `Input ${name}`).binary_data_size ?? undefined;
  if (size === undefined) {
    if (binary.length > 0) throw badRequest(`${binary.length} bytes of binary data belong to no input.`);
    // Each element takes at least two bytes of JSON, so a larger shape is wrong; checked before memory is allocated.
    if (2 * count > jsonLength) throw badRequest(`Input ${name} must hold ${count} elements, as its shape says.`);
    return fromJson(name as InputName, parseList(data, `Input ${name}: data`), shape, count);
  }
  if (data !== undefined) throw badRequest(`Input ${name} must have data or binary_data_size, but got both.`);
  if (size !== binary.length) {
    throw badRequest(`Input ${name} says binary_data_size ${inspect(size)}, but ${binary.length} bytes came.`);
  }
  switch (name as InputName) {
    case 'image':
      return { pictures: bytesFromBinary(binary, count, 'image') };
    case 'pixels':
      return split(uint8FromBinary(binary, count, 'pixels'), shape);
    case 'input':
      return split(floatsFromBinary(binary, count, 'input'), shape);
  }
}

function fromJson(name: InputName, data: readonly unknown[], shape: readonly number[], count: number): InferenceInput {
  if (name === 'image') return { pictures: bytesFromJson(data, count, 'image') };
  if (name === 'input') return split(numbersFromJson(data, new Float32Array(count), Number.isFinite, 'input'), shape);
  const isByte = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 255;
  return split(numbersFromJson(data, new Uint8Array(count), isByte, 'pixels'), shape);
}

function parseShape(value: unknown, expected: readonly number[], name: string): readonly number[] {
  const shape = parseList(value, `Input ${name}: shape`);
  const fits =
    shape.length === expected.length &&
    shape.every(
      (size, i) => Number.isInteger(size) && (expected[i] === -1 ? (size as number) > 0 : size === expected[i]),
    );
  if (fits && (shape as number[]).reduce((all, size) => all * size, 1) <= MAX_ELEMENTS) return shape as number[];
  throw badRequest(
    `Input ${name} must have shape [${expected.join(', ')}], each -1 positive, but got ${inspect(shape)}.`,
  );
}

/** More than a body can hold. */
const MAX_ELEMENTS = 2 ** 28;

/** Splits a batch into its pictures, without copying. */
function split(data: Uint8Array | Float32Array, shape: readonly number[]): InferenceInput {
  const [count, a, b, c] = shape as [number, number, number, number];
  const [height, width] = data instanceof Float32Array ? [b, c] : [a, b];
  const size = data.length / count;
  const pixels = Array.from({ length: count }, (_, i): NetworkInput => {
    return { data: data.subarray(i * size, (i + 1) * size), height, width };
  });
  return { pixels };
}

function parseOutput(value: unknown, binaryByDefault: boolean): InferRequest['output'] {
  const outputs = parseList(value ?? [], 'outputs').map((item, i) => parseObject(item, `outputs[${i}]`));
  const [output = { name: 'logits' }] = outputs;
  if (outputs.length > 1 || output.name !== 'logits') {
    throw badRequest(`outputs must be logits alone, but got ${inspect(outputs.map(({ name }) => name))}.`);
  }
  const { binary_data: binary, classification } = parseParameters(output, 'Output logits');
  return {
    binary: parseBoolean(binary, 'Output logits: binary_data', binaryByDefault),
    // Triton's clients send 0 to turn it off.
    classification:
      parseInteger(classification ?? 0, 'Output logits: classification', 0, Number.MAX_SAFE_INTEGER) || undefined,
  };
}
