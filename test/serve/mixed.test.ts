import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { addon } from '../../lib/native/addon';
import { decode } from '../../lib/image/decode';
import { checkPreprocess } from '../../lib/image/preprocess';
import { ResNet } from '../../lib/resnet';
import { Tensor } from '../../lib/tensor';
import { fixture } from '../image/pictures';
import { root } from '../support/node';

/**
 * Requests of mixed kinds at full load, good and bad: every answer is the right one for its own request, nothing
 * crashes, and memory stays flat. 5,000 here, 200,000 by `npm run test:long`.
 */
const REQUESTS = process.env.TEST_LONG === '1' ? 200_000 : 5_000;
const CLIENTS = 24;

/** mulberry32, seeded: the same requests in every run. */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
const next = random(42);
const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;

interface Request {
  kind: string;
  body: Buffer;
  headers: Record<string, string>;
  path: string;
  /** The logits, or the status and code of the error. */
  expected: Float32Array | [status: number, code: string];
}

const infer = '/v2/models/resnet18/infer';
const json = { 'content-type': 'application/json' };
const picture = { 'content-type': 'application/octet-stream' };

/** All kinds of requests, each with the result of the same network offline. */
async function requests(): Promise<{ floats: Request[]; pictures: Request[]; bad: Request[] }> {
  using net = new ResNet(18, 1000, { seed: 5 });
  using fast = await net.optimize();
  const floats: Request[] = [];
  for (let i = 0; i < 48; i++) {
    const shape = [1 + (i % 3), 3, 32, 32 + 8 * (i % 2)];
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 2 * next() - 1);
    const expected = (await fast.forward(new Tensor(data, shape))).toFloat32();
    const tensor = { name: 'input', datatype: 'FP32', shape };
    if (i % 4 === 0) {
      const body = Buffer.from(JSON.stringify({ inputs: [{ ...tensor, data: [...data] }] }));
      floats.push({ kind: 'floats, JSON', body, headers: json, path: infer, expected });
      continue;
    }
    const inputs = [{ ...tensor, parameters: { binary_data_size: data.byteLength } }];
    const head = Buffer.from(JSON.stringify({ inputs, parameters: { binary_data_output: i % 4 === 1 } }));
    const headers = { 'inference-header-content-length': String(head.length) };
    floats.push({
      kind: 'floats',
      body: Buffer.concat([head, new Uint8Array(data.buffer)]),
      headers,
      path: infer,
      expected,
    });
  }
  const pictures: Request[] = [];
  const toJpeg = (name: string): Promise<Buffer> => sharp(fixture(name)).jpeg().toBuffer();
  const encoded: [string, Buffer][] = [
    ['landscape.jpg', readFileSync(fixture('landscape.jpg'))],
    ['portrait as JPEG', await toJpeg('portrait.png')],
    ['small as JPEG', await toJpeg('small.png')],
    ['small.png', readFileSync(fixture('small.png'))],
  ];
  for (const [kind, bytes] of encoded) {
    const cropped = await addon().resizeAndCrop([await decode(bytes)], checkPreprocess()).promise;
    const expected = (await fast.forward(new Tensor(cropped.data, cropped.shape))).toFloat32();
    const image = { name: 'image', datatype: 'BYTES', shape: [1], data: [bytes.toString('base64')] };
    pictures.push({
      kind,
      body: Buffer.from(JSON.stringify({ inputs: [image] })),
      headers: json,
      path: infer,
      expected,
    });
    pictures.push({
      kind: `raw, gzip: ${kind}`,
      body: gzipSync(bytes),
      headers: { 'inference-header-content-length': '0', 'content-encoding': 'gzip' },
      path: infer,
      expected,
    });
  }
  const jpeg = readFileSync(fixture('landscape.jpg'));
  const rejected = (
    kind: string,
    path: string,
    body: Buffer,
    headers: Record<string, string>,
    status: number,
    code: string,
  ): Request => ({ kind, path, body, headers, expected: [status, code] });
  const whole = floats[0]!.body;
  const bad = [
    rejected('half of a JSON', infer, whole.subarray(0, whole.length / 2), json, 400, 'ERR_REQUEST'),
    rejected('no JSON', infer, Buffer.from('\xff\0', 'latin1'), json, 400, 'ERR_REQUEST'),
    rejected(
      'a wrong shape',
      infer,
      Buffer.from('{"inputs":[{"name":"input","datatype":"FP32","shape":[1,3,2,2],"data":[1]}]}'),
      json,
      400,
      'ERR_REQUEST',
    ),
    rejected('another model', '/v2/models/x/infer', whole, json, 404, 'ERR_NOT_FOUND'),
    rejected('a picture cut short', '/classify', jpeg.subarray(0, 3000), picture, 400, 'ERR_IMAGE'),
    rejected('no picture', '/classify', Buffer.from('picture'), picture, 400, 'ERR_IMAGE'),
    rejected('another type', '/classify', jpeg, { 'content-type': 'text/plain' }, 415, 'ERR_MEDIA_TYPE'),
    rejected(
      'a form of nothing',
      '/classify',
      Buffer.from('--x--\r\n'),
      { 'content-type': 'multipart/form-data; boundary=x' },
      400,
      'ERR_REQUEST',
    ),
    rejected(
      'a bad header',
      infer,
      floats[1]!.body,
      { 'inference-header-content-length': '9999999' },
      400,
      'ERR_REQUEST',
    ),
    rejected('a body too large', '/classify', Buffer.alloc(1_100_000), picture, 413, 'ERR_TOO_LARGE'),
    rejected('not gzip', '/classify', jpeg, { ...picture, 'content-encoding': 'gzip' }, 400, 'ERR_REQUEST'),
    rejected(
      'compressed by Brotli',
      '/classify',
      jpeg,
      { ...picture, 'content-encoding': 'br' },
      415,
      'ERR_MEDIA_TYPE',
    ),
    rejected(
      'a zip bomb',
      '/classify',
      gzipSync(Buffer.alloc(2 ** 26)),
      { ...picture, 'content-encoding': 'gzip' },
      413,
      'ERR_TOO_LARGE',
    ),
    rejected('an unknown parameter', '/classify?topk=1', jpeg, picture, 400, 'ERR_REQUEST'),
  ];
  return { floats, pictures, bad };
}

let child: ChildProcess;
let log = '';
afterAll(() => child?.kill('SIGKILL'));

async function start(): Promise<string> {
  const flags = ['--weights', 'random:5', '--layers', '18', '--port', '0', '--log-level', 'error'];
  const limits = ['--max-body-bytes', '1048576', '--max-queue-size', '96'];
  child = spawn(process.execPath, [join(root, 'dist', 'cli', 'main.js'), 'serve', ...flags, ...limits], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stderr!.on('data', (data) => (log += String(data)));
  return new Promise((resolve, reject) => {
    child.stdout!.on('data', (data) => resolve(String(data).trim()));
    child.on('close', (code) => reject(new Error(`it ended with ${code}: ${log}`)));
  });
}

async function logitsOf(response: Response): Promise<Float32Array> {
  const body = Buffer.from(await response.arrayBuffer());
  const length = response.headers.get('inference-header-content-length');
  if (length !== null) return new Float32Array(new Uint8Array(body.subarray(Number(length))).buffer);
  return Float32Array.from(JSON.parse(String(body)).outputs[0].data);
}

/** What is wrong with a response; undefined if it is correct. */
async function mismatch(response: Response, { kind, expected }: Request): Promise<string | undefined> {
  if (Array.isArray(expected)) {
    const { code } = (await response.json()) as { code: string };
    const [status, expectedCode] = expected;
    return response.status === status && code === expectedCode ? undefined : `${kind}: ${response.status} ${code}`;
  }
  if (response.status !== 200) return `${kind}: ${response.status} ${await response.text()}`;
  const logits = await logitsOf(response);
  if (logits.length !== expected.length) return `${kind}: ${logits.length} logits`;
  const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const difference = logits.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  return difference <= 1e-4 * largest ? undefined : `${kind}: differs by ${difference} of ${largest}`;
}

test(
  `${REQUESTS} requests, good and bad: each response is correct, and memory stays flat`,
  async () => {
    const { floats, pictures, bad } = await requests();
    const url = await start();
    const memory = async (): Promise<number> => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)![1]) / 2 ** 20;
    };
    const failures: string[] = [];
    const done = { good: 0, bad: 0, jpegs: 0, disconnected: 0 };
    let [left, early] = [REQUESTS, 0];
    const client = async (): Promise<void> => {
      while (left-- > 0) {
        if (left === Math.floor(REQUESTS / 2)) early = await memory();
        const draw = next();
        if (draw < 0.04) {
          // A client that disconnects at a random moment.
          const { path, body, headers } = pick(floats);
          const signal = AbortSignal.timeout(1 + Math.floor(20 * next()));
          await fetch(url + path, { method: 'POST', body, headers, signal })
            .then((response) => response.arrayBuffer())
            .catch(() => undefined);
          done.disconnected++;
          continue;
        }
        const request = draw < 0.08 ? pick(pictures) : draw < 0.55 ? pick(floats) : pick(bad);
        try {
          const response = await fetch(url + request.path, {
            method: 'POST',
            body: request.body,
            headers: request.headers,
          });
          const found = await mismatch(response, request);
          if (found !== undefined) failures.push(found);
        } catch (error) {
          failures.push(`${request.kind}: ${String((error as Error).cause ?? error)}`);
        }
        if (Array.isArray(request.expected)) done.bad++;
        else done.good++;
        if (request.kind.endsWith('JPEG') || request.kind.endsWith('.jpg')) done.jpegs++;
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    const late = await memory();
    expect(failures.slice(0, 20)).toEqual([]);
    expect(done.good / REQUESTS).toBeGreaterThan(0.4);
    expect(done.jpegs).toBeGreaterThan(REQUESTS / 40);
    expect(late - early).toBeLessThan(96);
    expect(log.split('\n').filter((line) => line.includes('"level":50'))).toEqual([]);
    const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
    const stopped = performance.now();
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(performance.now() - stopped).toBeLessThan(10_000); // it does not wait for clients that disconnected
  },
  REQUESTS * 30 + 60_000,
);
