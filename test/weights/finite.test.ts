import { join } from 'node:path';
import { BasicBlock, ResNet, Tensor } from '../../lib/index';
import { temporaryFolder } from '../support/files';

const path = join(temporaryFolder(), 'nan.safetensors');

test('a file with NaN loads, and onWarning lists the tensors by their names in the file', async () => {
  using net = new ResNet(18, 4, { seed: 1 });
  const warnings: string[] = [];
  const onWarning = (message: string): number => warnings.push(message);
  await net.save(path);
  using clean = await ResNet.load(path, { onWarning });
  expect([clean.layers, warnings]).toEqual([18, []]);
  const state = net.stateDict();
  (state.get('fc.bias')!.data as Float32Array)[2] = NaN;
  (state.get('residual_block.1.conv_bn_block2.1.running_var')!.data as Float32Array)[0] = -Infinity;
  net.loadStateDict(state);
  await net.save(path);
  using loaded = await ResNet.load(path, { onWarning });
  expect(loaded.stateDict().get('fc.bias')!.data[2]).toBeNaN();
  expect(warnings).toEqual([
    `${path} has values that are NaN or infinite in 2 tensors: layer1.1.bn2.running_var; fc.bias.`,
  ]);
});

test('a state dict: half precision, and values that overflow float32', () => {
  using block = new BasicBlock(1, 1, 1);
  const warnings: string[] = [];
  const given = {
    'bn1.bias': new Tensor(Uint16Array.of(0x7e00), [1], 'float16'),
    'bn1.weight': new Tensor(Float64Array.of(1e300), [1]),
    'bn2.bias': new Tensor(Uint16Array.of(0x3f80), [1], 'bfloat16'),
    other: new Tensor([NaN], [1]),
  };
  block.loadStateDict(given, { strict: false, onWarning: (message) => warnings.push(message) });
  expect(warnings).toEqual(['The state has values that are NaN or infinite in 2 tensors: bn1.weight; bn1.bias.']);
  block.loadStateDict(given, { strict: false });
  expect(() => block.loadStateDict(given, { onWarning: 'log' as never })).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT', message: 'onWarning must be a function, but got "log".' }),
  );
});
