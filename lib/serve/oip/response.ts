import { softmax, topIndices } from '../../image/scores';
import { badRequest } from '../http/error-response';
import type { Model } from '../model';
import type { InferRequest } from './request';
import { bytesToBinary } from './tensors';

/** The only version of every model. */
export const VERSION = '1';

/** A response's body. */
export interface InferResponse {
  body: Buffer;
  /** The length of the JSON, if binary data follow it. */
  headerLength: number | undefined;
}

/**
 * Writes the response to an infer request: JSON, followed by the tensor if it was requested as binary.
 *
 * @throws ERR_REQUEST for NaN and infinity, which JSON cannot express and no class can be ranked by
 */
export function writeInfer(
  model: Pick<Model, 'name' | 'labels' | 'numClasses'>,
  request: InferRequest,
  logits: readonly Float32Array[],
): InferResponse {
  const values = request.softmax ? logits.map((row) => Float32Array.from(softmax(row))) : logits;
  const { binary, classification } = request.output;
  const tensor =
    classification === undefined ? scores(values, model, binary) : rankedClasses(values, model, classification);
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

function scores(values: readonly Float32Array[], { numClasses }: Pick<Model, 'numClasses'>, binary: boolean): Output {
  if (!binary && !areFinite(values)) {
    throw badRequest('logits hold NaN or infinity, for which JSON has no word: ask for binary data.');
  }
  return {
    datatype: 'FP32',
    shape: [values.length, numClasses],
    json: () => values.flatMap((row) => Array.from(row)),
    binary: () => Buffer.concat(values.map((row) => new Uint8Array(row.buffer, row.byteOffset, row.byteLength))),
  };
}

/** The classification extension: the `count` best classes of each row as `SCORE:INDEX:LABEL`, like Triton. */
function rankedClasses(
  values: readonly Float32Array[],
  { labels, numClasses }: Pick<Model, 'labels' | 'numClasses'>,
  count: number,
): Output {
  if (!areFinite(values)) throw badRequest('logits hold NaN or infinity, which have no rank.');
  const topK = Math.min(count, numClasses);
  const texts = values.flatMap((row) =>
    topIndices(Float64Array.from(row), topK).map(
      (index) => `${shortFloat(row[index] ?? NaN)}:${index}:${labels[index] ?? ''}`,
    ),
  );
  return {
    datatype: 'BYTES',
    shape: [values.length, topK],
    json: () => texts,
    binary: () => bytesToBinary(texts),
  };
}

function areFinite(values: readonly Float32Array[]): boolean {
  return values.every((row) => row.every(Number.isFinite));
}

/** A float32 in nine digits, which are enough to restore it exactly. */
function shortFloat(value: number): string {
  return String(Number(value.toPrecision(9)));
}
