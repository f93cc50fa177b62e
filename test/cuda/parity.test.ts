import cases from '../fixtures/parity/logits.json';
import { describeCuda } from '../support/cuda';
import { ruleTensor } from '../support/rule';
import { expectGolden, ruled } from '../support/ruled';

describeCuda("on a GPU, logits agree with torchvision's in float64 to 2e-5 of the largest", () => {
  test.each(cases)('ResNet($layers, $numClasses) on $inputShape', async (golden) => {
    const net = ruled(golden.layers, golden.numClasses, { device: 'cuda' });
    const y = await net.forward(ruleTensor('input', golden.inputShape));
    net.dispose();
    expectGolden(y, golden);
  });
});
