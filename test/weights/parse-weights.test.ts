import { defaultLayers, parseWeights } from '../../lib/weights/parse-weights';

test.each([
  ['random', { kind: 'random', seed: undefined }],
  ['random:0', { kind: 'random', seed: 0 }],
  ['random:9007199254740991', { kind: 'random', seed: 2 ** 53 - 1 }],
  ['DEFAULT', { kind: 'published', name: 'DEFAULT' }],
  ['IMAGENET1K_V2', { kind: 'published', name: 'IMAGENET1K_V2' }],
  ['./DEFAULT', { kind: 'file', path: './DEFAULT' }],
  ['./random', { kind: 'file', path: './random' }],
  ['randomized.pth', { kind: 'file', path: 'randomized.pth' }],
  ['Random', { kind: 'file', path: 'Random' }],
])('%s', (text, expected) => {
  expect(parseWeights(text)).toEqual(expected);
});

test.each<[unknown, RegExp]>([
  ['random:', /^weights must be 'random:SEED' .*, but got "random:"\.$/],
  ['random:-1', /^weights must be 'random:SEED'/],
  ['random:1e3', /^weights must be 'random:SEED'/],
  ['random:9007199254740992', /^weights must be 'random:SEED'/],
  ['', /^weights must be the path of a weight file/],
  [5, /^weights must be the path of a weight file, .*, but got 5\.$/],
  [undefined, /^weights must be the path of a weight file/],
])('%p is an error', (text, message) => {
  const expected = { code: 'ERR_ARGUMENT', message: expect.stringMatching(message) };
  expect(() => parseWeights(text)).toThrow(expect.objectContaining(expected));
});

test('the default depth is 50, unless a file tells it', () => {
  expect(['random:1', 'DEFAULT', 'net.pth'].map(defaultLayers)).toEqual([50, 50, undefined]);
});
