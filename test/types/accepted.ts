// Compiled by `npm run typecheck`, never run: what the public names' types are.
import {
  BasicBlock,
  BottleneckBlock,
  cudaStatus,
  devices,
  ERROR_CODES,
  ImageClassifier,
  Module,
  ResNet,
  ResNetError,
  summary,
  SUPPORTED_LAYERS,
  Tensor,
  type Device,
  type DeviceInfo,
  type DType,
  type ErrorCode,
  type Explanation,
  type Layers,
  type LoadReport,
  type ModuleOptions,
  type Summary,
  type TensorData,
} from '../../lib/index';
import type { Equal, Expect } from './expect';

export type Depths = [
  Expect<Equal<Layers, 18 | 34 | 50 | 101 | 152>>,
  Expect<Equal<(typeof SUPPORTED_LAYERS)[number], Layers>>,
  Expect<
    Equal<
      ConstructorParameters<typeof ResNet>,
      [layers: Layers, numClasses?: number | undefined, options?: ModuleOptions | undefined]
    >
  >,
  Expect<Equal<ResNet['layers'], Layers>>,
];

export type Family = [
  Expect<ResNet extends Module ? true : false>,
  Expect<BasicBlock extends Module ? true : false>,
  Expect<BottleneckBlock extends Module ? true : false>,
  Expect<Module extends Disposable ? true : false>,
];

export type Answers = [
  Expect<Equal<ReturnType<ResNet['forward']>, Promise<Tensor>>>,
  Expect<Equal<ReturnType<ResNet['forwardSync']>, Tensor>>,
  Expect<Equal<ReturnType<ResNet['forwardFeatures']>, Promise<Tensor>>>,
  Expect<Equal<ReturnType<ResNet['stages']>, Promise<[Tensor, Tensor, Tensor, Tensor]>>>,
  Expect<Equal<ReturnType<ImageClassifier['explain']>, Promise<Explanation>>>,
  Expect<Equal<Explanation['map'], Tensor>>,
  Expect<Equal<ReturnType<ResNet['stateDict']>, Map<string, Tensor>>>,
  Expect<Equal<ReturnType<ResNet['loadStateDict']>, LoadReport>>,
  Expect<Equal<ReturnType<ResNet['parameterCount']>, number>>,
  Expect<Equal<ReturnType<typeof summary>, Summary>>,
  Expect<Equal<ReturnType<typeof devices>, DeviceInfo[]>>,
  Expect<Equal<ReturnType<typeof cudaStatus>, { available: boolean; reason: string }>>,
];

export type Tensors = [
  Expect<Equal<DType, 'float32' | 'float64' | 'float16' | 'bfloat16' | 'int8' | 'uint8' | 'int32' | 'int64'>>,
  Expect<Equal<Tensor['shape'], readonly number[]>>,
  Expect<Equal<Tensor['dtype'], DType>>,
  Expect<Equal<Tensor['data'], TensorData>>,
  Expect<Equal<ReturnType<Tensor['toFloat32']>, Float32Array>>,
];

export type Errors = [
  Expect<Equal<ResNetError['code'], ErrorCode>>,
  Expect<Equal<ErrorCode, keyof typeof ERROR_CODES>>,
  Expect<'ERR_SHAPE' extends ErrorCode ? true : false>,
];

export type Devices = [
  Expect<'cpu' extends Device ? true : false>,
  Expect<'cuda:1' extends Device ? true : false>,
  Expect<Equal<'gpu' extends Device ? true : false, false>>,
];

/** Chained calls keep the type of what they are called on. */
export function chained(net: ResNet, block: BasicBlock): [ResNet, BasicBlock] {
  return [net.eval().train(false).to('cuda:0'), block.to('cpu').train()];
}

/** `undefined` is as good as absent, under exactOptionalPropertyTypes too. */
export function accepted(signal: AbortSignal | undefined, device: Device | undefined): void {
  using net = new ResNet(50, undefined, { device, seed: undefined });
  const x = new Tensor([0, 1, 2], [1, 3, 1, 1] as const);
  void net.forward(x, { signal });
  void net.stages(x, { signal });
  net.loadStateDict({ 'fc.bias': x });
  net.loadStateDict(new Map<string, Tensor>(), { strict: false });
  net.parameterCount({ count: 'article' });
  summary(net, [null, 3, 224, 224], { trainable: 'parameters' });
}
