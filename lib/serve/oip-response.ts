import { best, softmax } from '../image/scores';
import type { Model } from './model';
import type { InferRequest } from './oip-request';
import { bytesToBinary } from './oip-tensors';
import { badRequest } from './refusal';

/** The only version of every model. */
export const VERSION = '1';

/** An answer as it goes out. */
export interface InferResponse {
  body: Buffer;
  /** The JSON's length where binary data follow it. */
  headerLength: number | undefined;
}

/**
 * Writes an infer answer: JSON, and after it the tensor where binary is wanted.
 *
 * @throws ERR_REQUEST where JSON has no word for a value
 */
export function writeInfer(
  model: Pick<Model, 'name' | 'labels' | 'numClasses'>,
  request: InferRequest,
  logits: readonly Float32Array[],
): InferResponse {
  const values = request.softmax ? logits.map((row) => Float32Array.from(softmax(row))) : logits;
  const { binary, classification } = request.output;
  const tensor = classification === undefined ? numbers(values, model, binary) : ranked(values, model, classification);
  const data = binary ? tensor.binary() : undefined;
  const json = Buffer.from(
    JSON.stringify({
      model_name: model.name,
      model_version: VERSION,
      id: request.id,
      outputs: [
        {
          name: 'logits',
          datatype: tensor.datatype,
          shape: tensor.shape,
          ...(data === undefined ? { data: tensor.json() } : { parameters: { binary_data_size: data.length } }),
        },
      ],
    }),
  );
  return data === undefined
    ? { body: json, headerLength: undefined }
    : { body: Buffer.concat([json, data]), headerLength: json.length };
}

interface Output {
  datatype: 'FP32' | 'BYTES';
  shape: number[];
  json: () => readonly (number | string)[];
  binary: () => Buffer;
}

function numbers(values: readonly Float32Array[], { numClasses }: Pick<Model, 'numClasses'>, binary: boolean): Output {
  if (!binary && !values.every((row) => row.every(Number.isFinite))) {
    throw badRequest('logits hold NaN or infinity, for which JSON has no word: ask for binary data.');
  }
  return {
    datatype: 'FP32',
    shape: [values.length, numClasses],
    json: () => values.flatMap((row) => Array.from(row)),
    binary: () => Buffer.concat(values.map((row) => new Uint8Array(row.buffer, row.byteOffset, row.byteLength))),
  };
}

/** The classification extension: the best `count` of each row, as Triton writes them. */
function ranked(
  values: readonly Float32Array[],
  { labels, numClasses }: Pick<Model, 'labels' | 'numClasses'>,
  count: number,
): Output {
  const most = Math.min(count, numClasses);
  const texts = values.flatMap((row) =>
    best(Float64Array.from(row), most).map((index) => `${score(row[index] ?? NaN)}:${index}:${labels[index] ?? ''}`),
  );
  return {
    datatype: 'BYTES',
    shape: [values.length, most],
    json: () => texts,
    binary: () => bytesToBinary(texts),
  };
}

/** A float32 in as few digits as tell it from its neighbors. */
function score(value: number): string {
  return String(Number(value.toPrecision(9)));
}
