import type { Readable } from 'node:stream';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { ResNetError } from '../errors';
import { badRequest } from './refusal';

/** A file of a form. */
export interface Part {
  /** As the client calls the file; for people, never for a file system. */
  name: string;
  bytes: Uint8Array;
}

/**
 * The files of a multipart/form-data body; fields that are no files are passed over.
 *
 * @throws ERR_REQUEST, ERR_TOO_LARGE
 */
export function filesOf(body: Buffer, contentType: string, most: number): Promise<Part[]> {
  return new Promise((resolve, reject) => {
    let parser: BusboyInstance;
    try {
      const limits = { files: most, fields: 16, parts: most + 16, fieldSize: 1024, headerPairs: 16, headerSize: 8192 };
      parser = new Busboy({ headers: { 'content-type': contentType }, limits });
    } catch {
      reject(badRequest('Content-Type must be multipart/form-data with a boundary.'));
      return;
    }
    const parts: Part[] = [];
    const tooMany = (): void => reject(new ResNetError('ERR_TOO_LARGE', `A form may have at most ${most} pictures.`));
    parser.on('file', (_field: string, stream: Readable, name: string | undefined) => {
      const part = { name: name ?? '', bytes: new Uint8Array() };
      parts.push(part);
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => (part.bytes = Buffer.concat(chunks)));
      stream.on('error', () => reject(badRequest('The multipart body ends before its end.')));
    });
    parser.on('filesLimit', tooMany);
    parser.on('partsLimit', tooMany);
    parser.on('error', () => reject(badRequest('The body must be well-formed multipart/form-data.')));
    parser.on('finish', () => resolve(parts));
    parser.end(body);
  });
}
