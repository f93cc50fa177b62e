import type { Readable } from 'node:stream';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { ResNetError } from '../../errors';
import { badRequest } from './error-response';

/** A file of a form. */
export interface UploadedFile {
  /** The client's name for it; for messages, never for a file system. */
  name: string;
  bytes: Uint8Array;
}

/**
 * The files of a multipart/form-data body; other fields are ignored.
 *
 * @throws ERR_REQUEST, ERR_TOO_LARGE
 */
export function parseMultipart(body: Buffer, contentType: string, maxFiles: number): Promise<UploadedFile[]> {
  return new Promise((resolve, reject) => {
    let parser: BusboyInstance;
    try {
      parser = new Busboy({
        headers: { 'content-type': contentType },
        limits: {
          files: maxFiles,
          fields: 16,
          parts: maxFiles + 16,
          fieldSize: 1024,
          headerPairs: 16,
          headerSize: 8192,
        },
      });
    } catch {
      reject(badRequest('Content-Type must be multipart/form-data with a boundary.'));
      return;
    }
    const files: UploadedFile[] = [];
    const tooMany = (): void =>
      reject(new ResNetError('ERR_TOO_LARGE', `A form may have at most ${maxFiles} pictures.`));
    parser.on('file', (_field: string, stream: Readable, name: string | undefined) => {
      const file = { name: name ?? '', bytes: new Uint8Array() };
      files.push(file);
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => (file.bytes = Buffer.concat(chunks)));
      stream.on('error', () => reject(badRequest('The multipart body ends too soon.')));
    });
    parser.on('filesLimit', tooMany);
    parser.on('partsLimit', tooMany);
    parser.on('error', () => reject(badRequest('The body must be well-formed multipart/form-data.')));
    parser.on('finish', () => resolve(files));
    parser.end(body);
  });
}
