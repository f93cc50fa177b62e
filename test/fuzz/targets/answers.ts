import { ResNetClient } from '../../../lib/client';
import { Tensor } from '../../../lib/tensor';
import { mutatedJson, type Json } from '../json';
import { edge, mutated } from '../mutate';
import type { Random } from '../random';
import type { Target } from '../target';

/** Responses to the client, as any server might send them. */

const PICTURE = new Uint8Array(8);
const TIMES = { decodeMs: 1, queueMs: 0.5, inferMs: 3 };
const of = (rows: Json[]): Json => ({ model: 'a', results: rows, times: TIMES });
const classified: Json = { name: 'image[0]', predictions: [{ label: 'a', index: 0, score: 0.75 }] };
const features: Json = { name: 'image[0]', features: [1, 2.5] };
const logits: Json = {
  model_name: 'a',
  model_version: '1',
  outputs: [{ name: 'logits', datatype: 'FP32', shape: [2, 3], parameters: { binary_data_size: 24 } }],
};

const client = new ResNetClient('http://127.0.0.1:1', { model: 'a', retries: 0 });

/** Calls the client with a mocked response. */
async function withResponse<T>(answer: Response, ask: () => Promise<T>): Promise<T> {
  const { fetch } = globalThis;
  globalThis.fetch = () => Promise.resolve(answer);
  try {
    return await ask();
  } finally {
    globalThis.fetch = fetch;
  }
}

const json = (value: Json, random: Random): Response =>
  new Response(new Uint8Array(mutatedJson(value, random)), { status: random.chance(0.9) ? 200 : 400 });

async function classify(random: Random): Promise<void> {
  const count = random.pick([1, 2]);
  const answer = json(of(new Array<Json>(count).fill(classified)), random);
  const found = await withResponse(answer, () => client.classify(new Array<Uint8Array>(count).fill(PICTURE)));
  const whole = found.every((row) =>
    row.every(
      ({ label, index, score }) => typeof label === 'string' && Number.isInteger(index) && Number.isFinite(score),
    ),
  );
  if (found.length !== count || !whole) throw new Error('malformed predictions');
}

async function featuresOf(random: Random): Promise<void> {
  const answer = json(of([features, features]), random);
  const { shape, data } = await withResponse(answer, () => client.features([PICTURE, PICTURE]));
  if (shape.length !== 2 || shape[0] !== 2 || shape[1] === 0) throw new Error(`features of shape ${String(shape)}`);
  if (data.length !== 2 * shape[1]!) throw new Error('features of another length');
}

async function infer(random: Random): Promise<void> {
  const head = random.chance(0.3) ? Buffer.from(JSON.stringify(logits)) : mutatedJson(logits, random);
  const data = random.chance(0.3) ? mutated(Buffer.alloc(24), random) : Buffer.alloc(24);
  const length = random.chance(0.8)
    ? String(head.length)
    : random.pick(['', '-1', '0x10', 'NaN', String(edge(random))]);
  const headers: Record<string, string> = random.chance(0.95) ? { 'Inference-Header-Content-Length': length } : {};
  const answer = new Response(new Uint8Array(Buffer.concat([head, data])), { headers });
  const x = new Tensor(new Float32Array(6), [2, 3, 1, 1]);
  const { shape, data: found } = await withResponse(answer, () => client.infer(x));
  if (shape[0] !== 2 || found.length !== 2 * shape[1]!) throw new Error(`logits of shape ${String(shape)}`);
}

export const ANSWERS: readonly Target[] = [
  { name: 'answer', run: (random) => random.pick([classify, featuresOf, infer])(random) },
];
