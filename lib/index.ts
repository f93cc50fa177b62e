export { BasicBlock, BottleneckBlock } from './blocks';
export { SUPPORTED_LAYERS, type Layers } from './depths';
export { ERROR_CODES, ResNetError, type ErrorCode } from './errors';
export {
  cudaStatus,
  devices,
  Module,
  type CountOptions,
  type Device,
  type DeviceInfo,
  type ForwardOptions,
  type ModuleOptions,
} from './module';
export { ResNet } from './resnet';
export { summary, type Summary, type SummaryOptions, type SummaryRow, type SummaryTotals } from './summary';
export { Tensor, type DType, type TensorData } from './tensor';
export type { LoadOptions, LoadReport } from './weights/load';
