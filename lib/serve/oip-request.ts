import { show } from '../errors';
import { elementCount } from '../tensor';
import { booleanOf, integerOf, listOf, objectOf, parseJson, type Fields } from './fields';
import type { Given } from './inference';
import { bytesFromBinary, bytesFromJson, floatsFromBinary, numbersFromJson, uint8FromBinary } from './oip-tensors';
import type { Pixels } from './pictures';
import { badRequest } from './refusal';

/** An infer request of the Open Inference Protocol, understood. */
export interface InferRequest {
  id: string | undefined;
  /** Triton's deadline; absent where none is given. */
  timeoutMs: number | undefined;
  /** Answer probabilities instead of raw logits. */
  softmax: boolean;
  given: Given;
  /** How `logits` is wanted. */
  output: { binary: boolean; classification: number | undefined };
}

/** The three ways in; each takes its batch as the first dimension. */
export const INPUTS = {
  image: { datatype: 'BYTES', shape: [-1] },
  pixels: { datatype: 'UINT8', shape: [-1, -1, -1, 3] },
  input: { datatype: 'FP32', shape: [-1, 3, -1, -1] },
} as const;
type InputName = keyof typeof INPUTS;

/**
 * Reads an infer request: JSON, and after it the tensors that are binary.
 *
 * @param body - all of it
 * @param headerLength - the header Inference-Header-Content-Length, the JSON's length; absent: all of it is JSON
 * @param admit - told how many pictures there are, before there is an object for each; throws where they are too many
 * @throws ERR_REQUEST, and what `admit` throws
 */
export function parseInfer(
  body: Buffer,
  headerLength: string | undefined,
  admit: (pictures: number) => void,
): InferRequest {
  const length = headerLength === undefined ? body.length : lengthOf(headerLength, body.length);
  const request = objectOf(parseJson(body.subarray(0, length), 'The request'), 'The request');
  const { id } = request;
  if (id !== undefined && typeof id !== 'string') throw badRequest(`id must be a string, but got ${show(id)}.`);
  const parameters = parametersOf(request, 'The request');
  const inputs = listOf(request.inputs, 'inputs').map((one, i) => objectOf(one, `inputs[${i}]`));
  const [input] = inputs;
  if (input === undefined || inputs.length !== 1) {
    throw badRequest(
      `inputs must hold exactly one of ${Object.keys(INPUTS).join(', ')}, but got ${inputs.length} inputs.`,
    );
  }
  const timeout = parameters.timeout ?? 0;
  return {
    id,
    timeoutMs: integerOf(timeout, 'parameters.timeout', 0, Number.MAX_SAFE_INTEGER) / 1000 || undefined,
    softmax: booleanOf(parameters.softmax, 'parameters.softmax', false),
    given: inputOf(input, body.subarray(length), length, admit),
    output: outputOf(request.outputs, booleanOf(parameters.binary_data_output, 'parameters.binary_data_output', false)),
  };
}

function lengthOf(header: string, most: number): number {
  const length = /^\d{1,10}$/.test(header) ? Number(header) : NaN;
  if (length <= most) return length;
  throw badRequest(`Inference-Header-Content-Length must be the length of the JSON, at most ${most}.`);
}

function parametersOf(fields: Fields, name: string): Fields {
  const parameters = objectOf(fields.parameters ?? {}, `${name}: parameters`);
  if ('shared_memory_region' in parameters) throw badRequest(`${name}: shared memory is not supported.`);
  return parameters;
}

function inputOf(input: Fields, binary: Buffer, jsonLength: number, admit: (pictures: number) => void): Given {
  const { name, datatype, data } = input;
  if (typeof name !== 'string' || !Object.hasOwn(INPUTS, name)) {
    throw badRequest(`An input's name must be one of ${Object.keys(INPUTS).join(', ')}, but got ${show(name)}.`);
  }
  const known = INPUTS[name as InputName];
  if (datatype !== known.datatype) {
    throw badRequest(`Input ${name} must have datatype ${known.datatype}, but got ${show(datatype)}.`);
  }
  const shape = shapeOf(input.shape, known.shape, name);
  admit(shape[0] ?? 0);
  const count = elementCount(shape);
  const size = parametersOf(input, `Input ${name}`).binary_data_size;
  if (size === undefined) {
    if (binary.length > 0) throw badRequest(`${binary.length} bytes of binary data belong to no input.`);
    // Every element is at least a digit and a comma: what claims more would only take memory.
    if (2 * count > jsonLength) throw badRequest(`Input ${name} must hold ${count} elements, as its shape says.`);
    return fromJson(name as InputName, listOf(data, `Input ${name}: data`), shape, count);
  }
  if (data !== undefined) throw badRequest(`Input ${name} must have data or binary_data_size, but got both.`);
  if (size !== binary.length) {
    throw badRequest(`Input ${name} says binary_data_size ${show(size)}, but ${binary.length} bytes came.`);
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

function fromJson(name: InputName, data: readonly unknown[], shape: readonly number[], count: number): Given {
  if (name === 'image') return { pictures: bytesFromJson(data, count, 'image') };
  if (name === 'input') return split(numbersFromJson(data, new Float32Array(count), Number.isFinite, 'input'), shape);
  const isByte = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 255;
  return split(numbersFromJson(data, new Uint8Array(count), isByte, 'pixels'), shape);
}

function shapeOf(value: unknown, known: readonly number[], name: string): readonly number[] {
  const shape = listOf(value, `Input ${name}: shape`);
  const fits =
    shape.length === known.length &&
    shape.every((size, i) => Number.isInteger(size) && (known[i] === -1 ? (size as number) > 0 : size === known[i]));
  if (fits && (shape as number[]).reduce((all, size) => all * size, 1) <= MAX_ELEMENTS) return shape as number[];
  throw badRequest(`Input ${name} must have shape [${known.join(', ')}], each -1 positive, but got ${show(shape)}.`);
}

/** Above what a body holds. */
const MAX_ELEMENTS = 2 ** 28;

/** A batch as its pictures, without copying. */
function split(data: Uint8Array | Float32Array, shape: readonly number[]): Given {
  const [count, a, b, c] = shape as [number, number, number, number];
  const [height, width] = data instanceof Float32Array ? [b, c] : [a, b];
  const size = data.length / count;
  const pixels = Array.from({ length: count }, (_, i): Pixels => {
    return { data: data.subarray(i * size, (i + 1) * size), height, width };
  });
  return { pixels };
}

function outputOf(value: unknown, binaryByDefault: boolean): InferRequest['output'] {
  const outputs = listOf(value ?? [], 'outputs').map((one, i) => objectOf(one, `outputs[${i}]`));
  const [output = { name: 'logits' }] = outputs;
  if (outputs.length > 1 || output.name !== 'logits') {
    throw badRequest(`outputs must be logits alone, but got ${show(outputs.map(({ name }) => name))}.`);
  }
  const { binary_data: binary, classification } = parametersOf(output, 'Output logits');
  return {
    binary: booleanOf(binary, 'Output logits: binary_data', binaryByDefault),
    // Triton's clients send 0 for none.
    classification:
      integerOf(classification ?? 0, 'Output logits: classification', 0, Number.MAX_SAFE_INTEGER) || undefined,
  };
}
