import { Readable } from 'node:stream';
import { constants, deflateSync, gzipSync } from 'node:zlib';
import { checkPreprocess } from '../../../lib/image/preprocess';
import { parseBase64 } from '../../../lib/serve/http/base64';
import { readBody } from '../../../lib/serve/http/body';
import { readPictureBody } from '../../../lib/serve/http/picture-body';
import { parseInfer } from '../../../lib/serve/oip/request';
import { writeInfer } from '../../../lib/serve/oip/response';
import { parseInstances } from '../../../lib/serve/v1/routes';
import { mutatedJson, type Json } from '../json';
import { edge, mutated } from '../mutate';
import type { Random } from '../random';
import type { Target } from '../target';

const BASE64 = Buffer.from('a picture').toString('base64');
const binary = (size: number): Json => ({ binary_data_size: size });

/** Valid requests, each with its binary part. */
const REQUESTS: readonly (readonly [Json, Buffer])[] = [
  [
    {
      id: 'seven',
      parameters: { timeout: 1_000_000, softmax: true, binary_data_output: true },
      inputs: [{ name: 'input', datatype: 'FP32', shape: [1, 3, 2, 2], data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] }],
      outputs: [{ name: 'logits', parameters: { binary_data: false, classification: 3 } }],
    },
    Buffer.alloc(0),
  ],
  [
    { inputs: [{ name: 'pixels', datatype: 'UINT8', shape: [2, 1, 1, 3], data: [[[[1, 2, 3]]], [[[4, 5, 6]]]] }] },
    Buffer.alloc(0),
  ],
  [{ inputs: [{ name: 'image', datatype: 'BYTES', shape: [2], data: [BASE64, BASE64] }] }, Buffer.alloc(0)],
  [{ inputs: [{ name: 'input', datatype: 'FP32', shape: [2, 3, 1, 1], parameters: binary(24) }] }, Buffer.alloc(24)],
  [{ inputs: [{ name: 'pixels', datatype: 'UINT8', shape: [1, 2, 2, 3], parameters: binary(12) }] }, Buffer.alloc(12)],
  [
    { inputs: [{ name: 'image', datatype: 'BYTES', shape: [2], parameters: binary(13) }] },
    Buffer.from('\x02\0\0\0ab\x03\0\0\0cde', 'latin1'),
  ],
];

const MODEL = { name: 'fuzzed', labels: ['a', 'b: c', 'd'], numClasses: 3, preprocess: checkPreprocess() };

function headerLength(length: number, random: Random): string | undefined {
  if (random.chance(0.8)) return String(length);
  return random.pick([
    undefined,
    '',
    '-1',
    '0x10',
    '0',
    '1e3',
    ' 5',
    '5 ',
    '٣',
    'NaN',
    String(edge(random)),
    `${length}.0`,
  ]);
}

function infer(random: Random): void {
  const [json, tail] = random.pick(REQUESTS);
  const head = random.chance(0.1) ? Buffer.from(JSON.stringify(json)) : mutatedJson(json, random);
  const body = Buffer.concat([head, random.chance(0.3) ? mutated(tail, random) : tail]);
  const request = parseInfer(
    body,
    tail.length > 0 || random.chance(0.1) ? headerLength(head.length, random) : undefined,
    () => undefined,
  );
  const rows = 'pictures' in request.input ? request.input.pictures.length : request.input.pixels.length;
  if ('pixels' in request.input) {
    for (const { data, height, width } of request.input.pixels) {
      if (data.length !== 3 * height * width) throw new Error('a picture whose size differs from its shape');
    }
  }
  const logits = Array.from({ length: rows }, () => Float32Array.of(1, random.chance(0.1) ? NaN : 2, 3));
  writeInfer(MODEL, request, logits);
}

const FORM =
  '--b\r\nContent-Disposition: form-data; name="picture"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\nabc\r\n' +
  '--b\r\nContent-Disposition: form-data; name="top"\r\n\r\n3\r\n--b--\r\n';
const FORM_WORDS = [
  '--b',
  '\r\n',
  '--b--',
  '\r\n\r\n',
  'filename=',
  'Content-Transfer-Encoding: base64',
  '"',
  ';',
  "utf-8''%",
];
const TYPES = [
  'multipart/form-data; boundary=b',
  'multipart/form-data; boundary="b"',
  'multipart/form-data',
  'multipart/form-data; boundary=',
  `multipart/form-data; boundary=${'b'.repeat(500)}`,
  'image/jpeg',
  'application/octet-stream',
  'application/json; charset=utf-8',
  '',
  undefined,
];

async function pictures(random: Random): Promise<void> {
  if (random.chance(0.4)) {
    const json: Json = random.chance(0.5) ? { image: BASE64, top: 5 } : { images: [BASE64, BASE64], model: 'a' };
    await readPictureBody(mutatedJson(json, random), 'application/json', 8);
    return;
  }
  const words = FORM_WORDS.map((word) => Buffer.from(word));
  const type = random.chance(0.7) ? TYPES[0] : random.pick(TYPES);
  const { pictures: found, names } = await readPictureBody(mutated(Buffer.from(FORM), random, words), type, 8);
  if (found.length !== names.length || found.length > 8) throw new Error('the numbers of names and pictures differ');
}

const LIMIT = 4096;
const PACKED: readonly Buffer[] = [0, 1, 100, LIMIT, LIMIT + 1, 2 ** 20].flatMap((size) => {
  const bytes = Buffer.alloc(size, 'picture');
  const flushed = gzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }); // without an end
  return [gzipSync(bytes), deflateSync(bytes), flushed, Buffer.concat([gzipSync(bytes), gzipSync(bytes)])];
});
const ENCODINGS = ['gzip', 'deflate', 'x-gzip', 'GZIP ', 'identity', undefined, 'br', 'gzip, gzip', '__proto__'];

/** Bodies in pieces of any size, some of which break off. */
async function compressed(random: Random): Promise<void> {
  const packed = random.pick(PACKED);
  const bytes = random.chance(0.3) ? packed : mutated(packed, random);
  const size = 1 + random.below(random.chance(0.5) ? 32 : 4096);
  const error = random.chance(0.05) ? new Error('reset') : undefined;
  const source = Readable.from(pieces(bytes, size, error), { objectMode: false });
  const headers = {
    'content-encoding': random.pick(random.chance(0.7) ? ENCODINGS.slice(0, 2) : ENCODINGS),
    ...(random.chance(0.5) ? { 'content-length': String(random.chance(0.9) ? bytes.length : edge(random)) } : {}),
  };
  const body = await readBody(source, headers, LIMIT);
  if (body.length > LIMIT) throw new Error(`a body of ${body.length} bytes`);
}

function* pieces(bytes: Buffer, size: number, error: Error | undefined): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  if (error !== undefined) throw error;
}

const ENCODED = [
  '/9j/4AAQ',
  'data:image/png;base64,iVBORw0KGgo=',
  'data:,a',
  'file:///etc/passwd',
  '-_-_',
  'AA\r\nAA==',
];
const ENCODED_WORDS = ['data:', ';base64,', ',', '%2B', '%', '=', '\n', '-', '/', '://'].map((word) =>
  Buffer.from(word),
);

function base64(random: Random): void {
  const text = mutated(Buffer.from(random.pick(ENCODED)), random, ENCODED_WORDS).toString('latin1');
  const bytes = parseBase64(text, 'image');
  if (bytes.length === 0 || bytes.length > text.length) throw new Error(`${bytes.length} bytes of ${text}`);
}

function instances(random: Random): void {
  const json: Json = { instances: [{ b64: BASE64 }, { image_bytes: { b64: BASE64 }, key: '1' }] };
  let count = 0;
  const { pictures: found, names } = parseInstances(mutatedJson(json, random), (all) => (count = all));
  if (found.length !== count || names.length !== count) throw new Error('the numbers of names and pictures differ');
}

/** The parsers of a server. */
export const REQUEST_BODIES: readonly Target[] = [
  { name: 'infer', run: infer },
  { name: 'picture-body', run: pictures },
  { name: 'compressed-body', run: compressed },
  { name: 'base64', run: base64 },
  { name: 'instances', run: instances },
];
