import { ResNetError, show } from '../errors';
import { fromBase64, integerOf, listOf, objectOf, parseJson } from './fields';
import { filesOf } from './multipart';
import { badRequest } from './refusal';

/** The pictures of a request, and what else its body says. */
export interface PictureBody {
  pictures: Uint8Array[];
  /** What messages and answers call them. */
  names: string[];
  top?: number;
  model?: string;
}

/**
 * Pictures as people send them: one as the body, several as a form, or base64 in JSON.
 *
 * @param most - how many there may be
 * @throws ERR_MEDIA_TYPE, ERR_REQUEST, ERR_TOO_LARGE
 */
export async function readPictureBody(
  body: Buffer,
  contentType: string | undefined,
  most: number,
): Promise<PictureBody> {
  const [type = ''] = (contentType ?? '').toLowerCase().split(';');
  const kind = type.trim();
  if (kind === 'application/json') return fromJson(body, most);
  if (kind === 'multipart/form-data') {
    const files = await filesOf(body, contentType ?? '', most);
    if (files.length === 0) throw badRequest('The form must have at least one file.');
    return { pictures: files.map(({ bytes }) => bytes), names: files.map(({ name }, i) => name || `image[${i}]`) };
  }
  if (kind.startsWith('image/') || kind === 'application/octet-stream') {
    return { pictures: [body], names: ['image'] };
  }
  throw new ResNetError(
    'ERR_MEDIA_TYPE',
    'Content-Type must be image/* or application/octet-stream with a picture as the body, multipart/form-data with ' +
      `pictures as files, or application/json with base64, but got ${show(contentType)}.`,
  );
}

/** `{ image: base64 }` or `{ images: [base64, …] }`, with `top` and `model` where they are wanted. */
function fromJson(body: Buffer, most: number): PictureBody {
  const { image, images, top, model } = objectOf(parseJson(body, 'The body'), 'The body');
  if ((image === undefined) === (images === undefined)) throw badRequest('The body must have image or images.');
  const list = image === undefined ? listOf(images, 'images') : [image];
  if (list.length === 0) throw badRequest('images must hold at least one picture.');
  if (list.length > most) throw new ResNetError('ERR_TOO_LARGE', `images may hold at most ${most} pictures.`);
  if (model !== undefined && typeof model !== 'string')
    throw badRequest(`model must be a string, but got ${show(model)}.`);
  const names = list.map((_, i) => (image === undefined ? `images[${i}]` : 'image'));
  return {
    pictures: list.map((one, i) => fromBase64(one, names[i] ?? 'image')),
    names,
    ...(top === undefined ? {} : { top: integerOf(top, 'top', 1, Number.MAX_SAFE_INTEGER) }),
    ...(model === undefined ? {} : { model }),
  };
}
