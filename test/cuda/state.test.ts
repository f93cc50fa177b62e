import { devices, ResNet, type Tensor } from '../../lib/index';
import { describeCuda } from '../support/cuda';
import { randomTensor } from '../support/tensors';

/** The state as bits, so that 0 and -0 differ and NaN equals itself. */
const bits = (state: ReadonlyMap<string, Tensor>): [string, string][] =>
  [...state].map(([name, { data }]) => [
    name,
    Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
  ]);

describeCuda('a network on a GPU', () => {
  test('devices() lists the GPU, by name and with its memory', () => {
    const gpu = devices().find(({ name }) => name === 'cuda:0');
    expect(gpu?.description).not.toBe('');
    expect(gpu?.memory).toBeGreaterThan(2 ** 30);
  });

  test('goes there and back with every bit, and answers the same on either side', async () => {
    const net = new ResNet(18, 10, { seed: 1 });
    const x = randomTensor([2, 3, 64, 64]);
    const before = bits(net.stateDict());
    const onCpu = (await net.forward(x)).toFloat32();

    expect(net.to('cuda').device).toBe('cuda:0');
    expect(bits(net.stateDict())).toEqual(before);
    const onGpu = (await net.forward(x)).toFloat32();
    const largest = onCpu.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    onGpu.forEach((value, i) => expect(Math.abs(value - onCpu[i]!)).toBeLessThanOrEqual(2e-5 * largest));

    expect(net.to('cpu').device).toBe('cpu');
    expect(bits(net.stateDict())).toEqual(before);
    expect((await net.forward(x)).toFloat32()).toEqual(onCpu);
  });

  test('has for a seed the values that it has on the CPU', () => {
    const onCpu = new ResNet(18, 10, { seed: 2 }).stateDict();
    expect(bits(new ResNet(18, 10, { seed: 2, device: 'cuda' }).stateDict())).toEqual(bits(onCpu));
  });

  test('takes a state dict and gives it back', () => {
    const state = new ResNet(18, 10, { seed: 3 }).stateDict();
    const net = new ResNet(18, 10, { device: 'cuda:0' });
    net.loadStateDict(state);
    expect(bits(net.stateDict())).toEqual(bits(state));
  });

  test('an index beyond the last one does not exist', () => {
    expect(() => new ResNet(18, 10, { device: 'cuda:99' })).toThrow(
      expect.objectContaining({ code: 'ERR_CUDA_INDEX' }),
    );
  });
});
