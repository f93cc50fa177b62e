import { Tensor } from '../tensor';
import type { ServedPrediction } from './answers';

/**
 * Parsers of responses. Any server may be behind an address, so each parser checks all that its return type promises,
 * and throws an Error that says what is missing.
 */

/** A JSON object whose values are not checked yet. */
type UncheckedObject = Readonly<Record<string, unknown>>;

/** The predictions of each picture in a ClassifyAnswer. */
export function readPredictions(answer: unknown, pictures: number): ServedPrediction[][] {
  return resultsOf(answer, pictures).map(({ predictions }) => {
    if (isListOf(predictions, isPrediction)) return predictions;
    throw new Error('predictions must be a list of { label, index, score }');
  });
}

/** The features in a FeaturesAnswer, float32 [pictures, channels]. */
export function readFeatures(answer: unknown, pictures: number): Tensor {
  const rows = resultsOf(answer, pictures).map(({ features }) => features);
  const [first] = rows;
  const channels = Array.isArray(first) ? first.length : 0;
  const isRow = (row: unknown): row is number[] => isListOf(row, isNumber) && row.length === channels;
  if (channels === 0 || !isListOf(rows, isRow)) throw new Error('features must be lists of numbers, of one length');
  return new Tensor(Float32Array.from(rows.flat()), [pictures, channels]);
}

/**
 * The logits in an infer response with binary data, float32 [pictures, classes].
 *
 * @param headerLength - the header Inference-Header-Content-Length, the length of the JSON
 */
export function readLogits(body: Buffer, headerLength: string | null, pictures: number): Tensor {
  const length = headerLength === null ? NaN : Number(headerLength);
  if (!Number.isInteger(length) || length < 0 || length > body.length) {
    throw new Error('Inference-Header-Content-Length must be the length of its JSON');
  }
  const { outputs } = toObject(JSON.parse(body.toString('utf8', 0, length)));
  const { datatype, shape } = toObject(Array.isArray(outputs) ? outputs[0] : undefined);
  const [rows, classes = NaN] = isListOf(shape, isNumber) && shape.length === 2 ? shape : [];
  if (datatype !== 'FP32' || rows !== pictures) throw new Error(`its output must be FP32 of ${pictures} rows`);
  const data = body.subarray(length);
  if (data.length !== 4 * pictures * classes) throw new Error('its output must have as many bytes as its shape says');
  return new Tensor(new Float32Array(new Uint8Array(data).buffer), [pictures, classes]);
}

function resultsOf(answer: unknown, pictures: number): UncheckedObject[] {
  const { results } = toObject(answer);
  if (Array.isArray(results) && results.length === pictures) return results.map(toObject);
  throw new Error(`it must have a result for each of ${pictures} pictures`);
}

function toObject(value: unknown): UncheckedObject {
  if (typeof value === 'object' && value !== null) return value as UncheckedObject;
  throw new Error('an object is missing');
}

function isListOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(isItem);
}

const isNumber = (value: unknown): value is number => Number.isFinite(value);

function isPrediction(value: unknown): value is ServedPrediction {
  const { label, index, score } = Object(value) as UncheckedObject;
  return typeof label === 'string' && Number.isInteger(index) && (index as number) >= 0 && isNumber(score);
}
