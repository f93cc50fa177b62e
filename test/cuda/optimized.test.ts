import cases from '../fixtures/parity/logits.json';
import { ResNet } from '../../lib/index';
import { describeCuda } from '../support/cuda';
import { centeredCosine, judgedNetwork, pictures, relativeDifference } from '../support/judge';
import { ruleTensor } from '../support/rule';
import { expectGolden, ruled } from '../support/ruled';
import { randomTensor } from '../support/tensors';

describeCuda('on a GPU, an optimized network', () => {
  test.each(cases)('ResNet($layers, $numClasses) on $inputShape answers as torchvision does', async (golden) => {
    using net = ruled(golden.layers, golden.numClasses, { device: 'cuda' });
    using fast = await net.optimize();
    expect(fast.device).toBe('cuda:0');
    expectGolden(await fast.forward(ruleTensor('input', golden.inputShape)), golden);
  });

  test('in bfloat16: cosine at least 0.995', async () => {
    using net = await judgedNetwork(50);
    const unseen = pictures(16, 999);
    const expected = await net.forward(unseen);
    using fast = await net.to('cuda').optimize({ dtype: 'bfloat16' });
    expect(centeredCosine(expected, await fast.forward(unseen))).toBeGreaterThan(0.995);
  });

  test('features are those of the network', async () => {
    using net = new ResNet(18, 10, { seed: 1, device: 'cuda' });
    using fast = await net.optimize();
    const x = randomTensor([2, 3, 64, 64]);
    expect(relativeDifference(await net.forwardFeatures(x), await fast.forwardFeatures(x))).toBeLessThan(1e-5);
  });

  test('int8 names the device that cannot do it', async () => {
    using net = new ResNet(18, 10, { seed: 1, device: 'cuda' });
    await expect(net.optimize({ dtype: 'int8', calibration: [randomTensor([1, 3, 64, 64])] })).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED_DTYPE',
      message: expect.stringContaining('cuda:0') as unknown,
    });
  });
});
