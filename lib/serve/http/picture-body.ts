import { ResNetError, inspect } from '../../errors';
import { base64, binary, integer, jsonContent, list, object, string, type Json } from '../openapi-schema';
import { parseBase64 } from './base64';
import { badRequest } from './error-response';
import { parseInteger, parseJson, parseList, parseObject } from './json-body';
import { parseMultipart } from './multipart';

/** The pictures of a request, and the options in its body. */
export interface PictureBody {
  /** Encoded, as they came. */
  pictures: Uint8Array[];
  /** For messages and answers. */
  names: string[];
  top?: number;
  model?: string;
}

/**
 * Reads the body of a request with pictures: one as the body, several as a form, or base64 in JSON.
 *
 * @throws ERR_MEDIA_TYPE, ERR_REQUEST, ERR_TOO_LARGE
 */
export async function readPictureBody(
  body: Buffer,
  contentType: string | undefined,
  maxPictures: number,
): Promise<PictureBody> {
  const [type = ''] = (contentType ?? '').toLowerCase().split(';');
  const mediaType = type.trim();
  if (mediaType === 'application/json') return fromJson(body, maxPictures);
  if (mediaType === 'multipart/form-data') {
    const files = await parseMultipart(body, contentType ?? '', maxPictures);
    if (files.length === 0) throw badRequest('The form must have at least one file.');
    return { pictures: files.map(({ bytes }) => bytes), names: files.map(({ name }, i) => name || `image[${i}]`) };
  }
  if (mediaType.startsWith('image/') || mediaType === 'application/octet-stream') {
    return { pictures: [body], names: ['image'] };
  }
  throw new ResNetError(
    'ERR_MEDIA_TYPE',
    'Content-Type must be image/* or application/octet-stream with a picture as the body, multipart/form-data with ' +
      `pictures as files, or application/json with base64, but got ${inspect(contentType)}.`,
  );
}

/** `{ image: base64 }` or `{ images: [base64, …] }`, optionally with `top` and `model`. */
function fromJson(body: Buffer, maxPictures: number): PictureBody {
  const fields = parseObject(parseJson(body, 'The body'), 'The body');
  const [image, images, top, model] = FIELDS.map((name) => fields[name] ?? undefined); // null: absent
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) {
    throw badRequest(`The body may have ${FIELDS.join(', ')}, but got ${inspect(unknown)}.`);
  }
  if ((image === undefined) === (images === undefined)) throw badRequest('The body must have image or images.');
  const encoded = image === undefined ? parseList(images, 'images') : [image];
  if (encoded.length === 0) throw badRequest('images must hold at least one picture.');
  if (encoded.length > maxPictures) {
    throw new ResNetError('ERR_TOO_LARGE', `images may hold at most ${maxPictures} pictures.`);
  }
  if (model !== undefined && typeof model !== 'string') {
    throw badRequest(`model must be a string, but got ${inspect(model)}.`);
  }
  const names = encoded.map((_, i) => (image === undefined ? `images[${i}]` : 'image'));
  return {
    pictures: encoded.map((text, i) => parseBase64(text, names[i] ?? 'image')),
    names,
    ...(top === undefined ? {} : { top: parseInteger(top, 'top', 1, Number.MAX_SAFE_INTEGER) }),
    ...(model === undefined ? {} : { model }),
  };
}

const FIELDS: readonly string[] = ['image', 'images', 'top', 'model'];

/** What {@link readPictureBody} takes, in the OpenAPI document. */
export const pictureRequestBody: Json = {
  required: true,
  content: {
    'image/*': { schema: binary },
    'application/octet-stream': { schema: binary },
    'multipart/form-data': { schema: object({ picture: list(binary) }) },
    ...jsonContent({
      anyOf: [object({ image: base64 }), object({ images: list(base64) })],
      properties: { top: integer, model: string },
    }),
  },
};
