import { ResNetError } from '../errors';
import type { Image } from '../image/image';

/** What the picture arguments of the commands may be. */
export const PICTURES = 'JPEG, PNG, WebP, TIFF, GIF or AVIF files; folders; patterns in quotes; - for standard input';

/** The picture that a name on the command line stands for: `-` is standard input, which is read once. @throws ERR_FILE */
export async function imageOf(name: string): Promise<Image> {
  if (name !== '-') return name;
  input ??= readInput();
  return await input;
}

let input: Promise<Uint8Array> | undefined;

async function readInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length <= MAX_BYTES) continue;
    throw new ResNetError('ERR_FILE', `standard input must be a picture of at most ${MAX_BYTES} bytes, but has more.`);
  }
  return Buffer.concat(chunks, length);
}

const MAX_BYTES = 2 ** 30;
