import { SUPPORTED_LAYERS, type Layers } from '../../../lib/depths';
import table from '../../../lib/weights/published/catalog.json';
import { isWeightsName, publishedWeights, type WeightsName } from '../../../lib/weights/published/catalog';
import golden from '../../fixtures/weights/published.json';

test("the catalog matches torchvision's metadata", () => {
  expect(table.map(({ sha256, ...rest }) => ({ ...rest, sha256Prefix: sha256.slice(0, 8) }))).toEqual(golden);
});

test.each(table)('$name of ResNet-$layers', (row) => {
  const { layers, name, url, sha256 } = row;
  expect(url).toBe(`https://download.pytorch.org/models/resnet${layers}-${sha256.slice(0, 8)}.pth`);
  expect(sha256).toMatch(layers === 152 && name === 'IMAGENET1K_V2' ? /^[0-9a-f]{8}$/ : /^[0-9a-f]{64}$/);
  // A file has little more than the values: its size is known to a thousandth.
  expect(row.fileSizeMB * 2 ** 20).toBeGreaterThan(4 * row.numParams);
  expect(row.fileSizeMB * 2 ** 20).toBeLessThan(4 * row.numParams * 1.005);
  expect(publishedWeights(name as WeightsName, layers as Layers)).toEqual({
    name,
    layers,
    url,
    sha256,
    mebibytes: row.fileSizeMB,
    resize: name === 'IMAGENET1K_V2' ? 232 : 256,
    crop: 224,
    interpolation: 'bilinear',
    labels: 'imagenet',
    accuracy: { top1: row.top1, top5: row.top5 },
  });
});

test('DEFAULT is the best of a depth', () => {
  for (const layers of SUPPORTED_LAYERS) {
    const { name, accuracy } = publishedWeights('DEFAULT', layers);
    expect(name).toBe(layers < 50 ? 'IMAGENET1K_V1' : 'IMAGENET1K_V2');
    expect(accuracy.top1).toBe(Math.max(...table.filter((row) => row.layers === layers).map(({ top1 }) => top1)));
  }
});

test('only the exact words are names', () => {
  expect(['IMAGENET1K_V1', 'IMAGENET1K_V2', 'DEFAULT'].every(isWeightsName)).toBe(true);
  expect(['./DEFAULT', 'default', 'IMAGENET1K_V3', '', undefined, 7].some(isWeightsName)).toBe(false);
});

test.each<[any, any, string, RegExp]>([
  ['DEFAULT', undefined, 'ERR_ARGUMENT', /^layers must be 18, 34, 50, 101, 152 with weights DEFAULT/],
  ['DEFAULT', 20, 'ERR_UNSUPPORTED_LAYERS', /but input layer is 20\./],
  [
    'IMAGENET1K_V2',
    18,
    'ERR_ARGUMENT',
    /^weights must be 'IMAGENET1K_V1' or 'DEFAULT' for ResNet-18, but got "IMAGENET1K_V2"/,
  ],
])('%s for %p', (name, layers, code, message) => {
  expect(() => publishedWeights(name, layers)).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  );
});
