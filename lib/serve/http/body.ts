import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip, createInflate } from 'node:zlib';
import { inspect, ResNetError } from '../../errors';
import { badRequest, HttpError } from './error-response';

/** The codings of RFC 9110, section 8.4.1, that zlib unpacks. */
const UNPACKERS = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate };

/** Bytes that zlib unpacks at a time: the most that a body may exceed its limit by before it is refused. */
const CHUNK_SIZE = 2 ** 16;

/**
 * Reads a request's body, unpacked if it is compressed.
 *
 * After an error the rest of the body is received and discarded, so that the client can read the response.
 *
 * @param maxBytes - the limit for the unpacked bytes, checked while they stream
 * @throws ERR_MEDIA_TYPE, ERR_TOO_LARGE, ERR_REQUEST for broken or trailing data, ERR_ABORTED
 */
export async function readBody(source: Readable, headers: IncomingHttpHeaders, maxBytes: number): Promise<Buffer> {
  const createUnpacker = unpackerOf(headers['content-encoding']);
  if (Number(headers['content-length']) > maxBytes) throw tooLarge(maxBytes);
  const unpacker = createUnpacker?.({ chunkSize: CHUNK_SIZE });
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let [received, length] = [0, 0];
    const body = unpacker ?? source;
    const fail = (error: ResNetError): void => {
      reject(error);
      body.off('data', append);
      if (unpacker === undefined) return;
      source.unpipe(unpacker);
      unpacker.destroy();
      source.resume();
    };
    const append = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > maxBytes) fail(tooLarge(maxBytes));
      else chunks.push(chunk);
    };
    const disconnected = (): void => fail(new ResNetError('ERR_ABORTED', 'The client went away.'));
    source.on('error', disconnected).on('close', () => {
      if (!source.readableEnded) disconnected();
    });
    body.on('data', append).on('end', () => {
      // zlib ends at the end of its format and leaves what follows.
      if (unpacker !== undefined && unpacker.bytesWritten < received) {
        fail(badRequest('The body has bytes after the end of its compressed data.'));
      } else resolve(Buffer.concat(chunks, length));
    });
    if (unpacker === undefined) return;
    unpacker.on('error', () => fail(badRequest("The body's compressed data is broken or cut short.")));
    source.on('data', (chunk: Buffer) => (received += chunk.length)).pipe(unpacker);
  });
}

/** The body that {@link readBody} read; empty if the request had none. */
export function bodyOf({ body }: { body: unknown }): Buffer {
  return (body as Buffer | undefined) ?? Buffer.alloc(0);
}

/** @throws ERR_MEDIA_TYPE */
function unpackerOf(header: string | undefined): typeof createGunzip | typeof createInflate | undefined {
  const encoding = (header ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity') return undefined;
  if (Object.hasOwn(UNPACKERS, encoding)) return UNPACKERS[encoding as keyof typeof UNPACKERS];
  throw new HttpError('ERR_MEDIA_TYPE', `Content-Encoding must be gzip or deflate, once, but got ${inspect(header)}.`, {
    headers: { 'Accept-Encoding': 'gzip, deflate' },
  });
}

function tooLarge(maxBytes: number): ResNetError {
  return new ResNetError('ERR_TOO_LARGE', `The body is too large: it may have at most ${maxBytes} bytes, unpacked.`);
}
