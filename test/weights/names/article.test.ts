import { ResNet, SUPPORTED_LAYERS } from '../../../lib/index';
import { Module } from '../../../lib/module';
import { articleSpec, layersOf } from '../../../lib/weights/names/article';

test.each(SUPPORTED_LAYERS)('ResNet-%i: the names and shapes that the network has, in its order', (layers) => {
  using net = new ResNet(layers, 7, { device: 'meta' });
  expect(articleSpec(layers, 7)).toEqual(
    Module.internals(net)
      .handle.stateSpec()
      .map(({ name, shape }) => ({ name, shape })),
  );
});

test('a depth is found by its blocks', () => {
  expect(layersOf([3, 4, 6, 3], false)).toBe(34);
  expect(layersOf([3, 4, 6, 3], true)).toBe(50);
  expect(layersOf([2, 2, 2, 2], true)).toBeUndefined();
});
