import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPictures } from '../lib/cli/picture-paths';
import { decode } from '../lib/image/decode';
import { readNames } from '../lib/image/labels';
import { openWeights } from '../lib/weights/formats/open';
import { fixture } from './image/pictures';
import { safetensors, temporaryFolder, written } from './support/files';

const folder = temporaryFolder();
const file = (name: string, ...bytes: (string | Buffer)[]): string =>
  written(folder, name, Buffer.concat(bytes.map((part) => Buffer.from(part as string, 'latin1'))));

// The names lie: only the bytes tell.
const jpeg = join(folder, 'jpeg.pth');
copyFileSync(fixture('landscape.jpg'), jpeg);
const pictures: [string, string][] = [
  ['a JPEG picture', jpeg],
  ['a PNG picture', file('png.bin', '\x89PNG\r\n\x1a\n')],
  ['a GIF picture', file('gif', 'GIF89a')],
  ['a WebP picture', file('webp', 'RIFF1234WEBPVP8 ')],
  ['a TIFF picture', file('tiff', 'II*\0')],
  ['a BMP picture', file('bmp', 'BM\x36\x10\0\0\0\0\0\0')],
  ['an AVIF or HEIC picture', file('heic', '\0\0\0\x18ftypheic')],
];
const weights: [string, string][] = [
  ['a safetensors file', file('net.jpg', safetensors({}))],
  ["a zip archive, as PyTorch's weights are", file('zip.jpg', 'PK\x03\x04')],
  ["a pickle, as PyTorch's and PaddlePaddle's weights are", file('pickle.jpg', '\x80\x02}q')],
];
const labels = file('labels.jpg', 'tench\ngoldfish, Carassius auratus\n');

test.each(pictures)('%s as weights or as labels', async (kind, path) => {
  const hint = (role: string): RegExp => new RegExp(` It looks like ${kind}: pass it as a picture, not as ${role}\\.$`);
  await expect(openWeights(path)).rejects.toMatchObject({
    code: 'ERR_UNSUPPORTED_FORMAT',
    message: expect.stringMatching(hint('weights \\(--weights\\)')),
  });
  await expect(readNames(path)).rejects.toMatchObject({
    code: 'ERR_ARGUMENT',
    message: expect.stringMatching(hint('labels \\(--labels\\)')),
  });
});

test.each(weights)('%s as a picture or as labels', async (kind, path) => {
  const hint = (role: string): RegExp =>
    new RegExp(` It looks like ${kind}: pass it as weights \\(--weights\\), not as ${role}\\.$`);
  await expect(decode(path)).rejects.toMatchObject({
    code: 'ERR_IMAGE',
    message: expect.stringMatching(hint('a picture')),
  });
  await expect(readNames(path)).rejects.toThrow(hint('labels \\(--labels\\)'));
});

test('labels as weights or as a picture', async () => {
  const hint = / It looks like a text file: pass it as labels \(--labels\), not as /;
  await expect(openWeights(labels)).rejects.toThrow(hint);
  await expect(decode(labels)).rejects.toThrow(hint);
  expect(await readNames(labels)).toEqual(['tench', 'goldfish, Carassius auratus']);
});

test('a web page and JSON belong nowhere in particular', async () => {
  await expect(openWeights(file('page', '<!DOCTYPE html>\n<html>'))).rejects.toThrow(/ It looks like a web page, /);
  await expect(openWeights(file('config', '{"architectures": []}'))).rejects.toThrow(/ It looks like a JSON file\.$/);
});

test('nothing is guessed of other bytes, nor of bytes that did not come from a file', async () => {
  await expect(openWeights(file('other', '\0\x01\x02'))).rejects.toThrow(/\.pdparams\.$/);
  await expect(decode(file('empty', ''))).rejects.toThrow(/which is empty\.$/);
  await expect(decode(safetensors({}))).rejects.toThrow(/which is none\.$/);
});

describe('folders', () => {
  const of = (name: string, ...files: string[]): string => {
    mkdirSync(join(folder, name));
    for (const each of files) writeFileSync(join(folder, name, each), '');
    return join(folder, name);
  };

  test('of weights as pictures', async () => {
    const path = of('weights', 'config.json', 'model.safetensors');
    const hint = / It has weights \(model\.safetensors\): pass it as weights \(--weights\), not as pictures\.$/;
    await expect(decode(path)).rejects.toThrow(hint);
    expect(await findPictures(path)).toMatchObject([{ code: 'ERR_FILE', message: expect.stringMatching(hint) }]);
  });

  test('of pictures as weights', async () => {
    const hint = / It has pictures \(cat\.JPG\): pass it as pictures, not as weights \(--weights\)\.$/;
    await expect(openWeights(of('photos', 'cat.JPG'))).rejects.toThrow(hint);
  });

  test('of weights under a name of their own', async () => {
    const path = of('checkpoints', 'cat.jpg', 'epoch7.pth');
    await expect(openWeights(path)).rejects.toThrow(/ It has epoch7\.pth: pass the path of that file\.$/);
  });

  test('of anything else', async () => {
    const path = of('notes', 'notes.md');
    await expect(openWeights(path)).rejects.toThrow(/pytorch_model\.bin\.index\.json\.$/);
    await expect(decode(path)).rejects.toThrow(/it is a directory\.$/);
  });
});
