import { connect } from 'node:net';
import { deflateSync, gzipSync } from 'node:zlib';
import { mutated } from './mutate';
import type { Random } from './random';

/** The bytes of one connection, and how they are sent. */
export interface Attack {
  /** Written one after the other, with a pause between them. */
  pieces: Buffer[];
  end: 'half-close' | 'reset' | 'wait';
}

const BODY = JSON.stringify({ inputs: [{ name: 'input', datatype: 'FP32', shape: [1, 3, 1, 1], data: [1, 2, 3] }] });
const BINARY = JSON.stringify({
  inputs: [{ name: 'input', datatype: 'FP32', shape: [1, 3, 1, 1], parameters: { binary_data_size: 12 } }],
});

const LINES = [
  'GET /v2/health/live HTTP/1.1',
  'GET /metrics HTTP/1.0',
  'POST /v2/models/fake/infer HTTP/1.1',
  'POST /classify?top=3 HTTP/1.1',
  'POST /features HTTP/1.1',
  'POST /classify?topk=3 HTTP/1.1',
  'PUT /classify HTTP/1.1',
  'POST /v1/models/fake:predict HTTP/1.1',
  'GET /v1/models/fake/ HTTP/1.1',
  'POST /v2/repository/index HTTP/1.1',
  'GET /v2/models/fake/stats HTTP/1.1',
  'QUERY /v2 HTTP/1.1',
  'CONNECT a:1 HTTP/1.1',
  'PRI * HTTP/2.0',
  'GET /%ff%00/../..//?a=%zz HTTP/1.1',
  `GET /${'a'.repeat(20_000)} HTTP/1.1`,
  'get / http/1.1',
  'GET /',
  '',
];

const HEADERS = [
  'Host: a',
  'Host:',
  'Content-Length: 5',
  'Content-Length: -1',
  'Content-Length: 99999999999999999999',
  'Content-Length: 5, 6',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: xchunked',
  'Inference-Header-Content-Length: 5',
  'Inference-Header-Content-Length: -1',
  'Inference-Header-Content-Length: 1e9',
  `Inference-Header-Content-Length: ${BINARY.length}`,
  'Content-Type: application/json',
  'Content-Type: multipart/form-data; boundary=b',
  'Content-Type: image/jpeg',
  'Content-Encoding: gzip',
  'Content-Encoding: deflate',
  'Content-Encoding: gzip, gzip',
  'Content-Encoding: br',
  'Inference-Header-Content-Length: 0',
  'Expect: 100-continue',
  'Expect: nothing',
  'Connection: close',
  'Connection: keep-alive, Upgrade',
  'Upgrade: websocket',
  'X-Request-Timeout-Ms: 0',
  'X-Request-Timeout-Ms: nan',
  `X-Request-Id: ${'x'.repeat(5_000)}`,
  ' folded: header',
  'no colon',
  'nul\0: a',
  'Cookie: \x80\xff',
];

const PACK = { gzip: gzipSync, deflate: deflateSync };

/** Unpacked it exceeds the server's limit. */
const BOMB = { gzip: gzipSync(Buffer.alloc(2 ** 26)), deflate: deflateSync(Buffer.alloc(2 ** 26)) };

function chunked(body: Buffer, random: Random): Buffer {
  const sizes = [body.length.toString(16), '0', 'fffffffffffffffff', '-1', `${body.length.toString(16)};a=b`, 'zz'];
  const size = random.chance(0.6) ? sizes[0] : random.pick(sizes);
  return Buffer.concat([
    Buffer.from(`${size}\r\n`),
    body,
    Buffer.from(random.pick(['\r\n0\r\n\r\n', '0\r\n', '\r\n0\r\na: b\r\n\r\n'])),
  ]);
}

function request(random: Random): Buffer {
  const binary = random.chance(0.3);
  const plain = binary ? Buffer.concat([Buffer.from(BINARY), Buffer.alloc(12)]) : Buffer.from(BODY);
  const encoding = random.chance(0.2) ? random.pick(['gzip', 'deflate'] as const) : undefined;
  const body = encoding === undefined ? plain : random.chance(0.1) ? BOMB[encoding] : PACK[encoding](plain);
  const inChunks = random.chance(0.2);
  const length = random.chance(0.7) ? body.length : random.pick([0, 1, body.length - 1, body.length + 1, 2 ** 30]);
  const headers = [
    random.chance(0.8) ? LINES[2] : random.pick(LINES),
    ...(random.chance(0.95) ? ['Host: a'] : []),
    ...(inChunks ? ['Transfer-Encoding: chunked'] : [`Content-Length: ${length}`]),
    ...(encoding === undefined ? [] : [`Content-Encoding: ${encoding}`]),
    ...(binary ? [`Inference-Header-Content-Length: ${BINARY.length}`] : []),
    ...Array.from({ length: random.below(3) }, () => random.pick(HEADERS)),
  ];
  const break_ = random.chance(0.95) ? '\r\n' : random.pick(['\n', '\r', '\r\r\n']);
  return Buffer.concat([
    Buffer.from(`${headers.join(break_)}${break_}${break_}`, 'latin1'),
    inChunks ? chunked(body, random) : body,
  ]);
}

export function attack(random: Random): Attack {
  const requests = Array.from({ length: random.chance(0.8) ? 1 : 2 + random.below(8) }, () => request(random));
  let bytes: Buffer = Buffer.concat(requests);
  if (random.chance(0.4)) bytes = mutated(bytes, random);
  if (random.chance(0.2)) bytes = bytes.subarray(0, random.below(bytes.length + 1));
  const pieces: Buffer[] = [];
  const size = random.chance(0.8) ? Infinity : Math.max(1, Math.ceil(bytes.length / (1 + random.below(8))));
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return { pieces, end: random.pick(['half-close', 'half-close', 'reset', 'wait']) };
}

/**
 * Carries one out.
 *
 * @returns what was answered; the connection is closed by then, by the server or, where it waits for more as it may, by us
 */
export function carryOut({ pieces, end }: Attack, port: number, patienceMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let answer = '';
    const impatient = setTimeout(() => socket.destroy(), patienceMs);
    socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
    socket.on('end', () => socket.destroy()).on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(impatient);
      resolve(answer);
    });
    const write = async (): Promise<void> => {
      for (const piece of pieces) {
        if (socket.destroyed || !socket.writable) return;
        socket.write(piece);
        if (pieces.length > 1) await new Promise((next) => setTimeout(next, 2));
      }
      if (end === 'half-close') socket.end();
      else if (end === 'reset') socket.resetAndDestroy();
    };
    socket.on('connect', () => void write());
  });
}
