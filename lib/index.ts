export { BasicBlock, BottleneckBlock } from './blocks';
export { SUPPORTED_LAYERS, type Layers } from './depths';
export { cudaStatus, devices, type Device, type DeviceInfo } from './devices';
export { ERROR_CODES, ResNetError, type ErrorCode } from './errors';
export { ImageClassifier, type ClassifyOptions, type Prediction } from './image/classifier';
export type { ImageClassifierOptions } from './image/classifier-options';
export type { Image } from './image/image';
export type { ImageStream } from './image/stream';
export type { Activation } from './weights/source/activation';
export type { ExplainOptions, Explanation, Region } from './image/explain';
export type { Preprocess, ResolvedPreprocess } from './image/preprocess';
export type { PreprocessPreset } from './image/presets';
export { Module, type CountOptions, type ForwardOptions, type ModuleOptions } from './module';
export {
  OptimizedResNet,
  type Calibration,
  type CalibrationInputs,
  type OptimizedDType,
  type OptimizeOptions,
} from './optimized';
export { ResNet, type ResNetLoadOptions, type Stages } from './resnet';
export { summary, type Summary, type SummaryOptions, type SummaryRow, type SummaryTotals } from './summary';
export { Tensor, type DType, type TensorData } from './tensor';
export type { SaveOptions } from './weights/convert';
export type { DownloadProgress } from './weights/published/download';
export type { LoadOptions, LoadReport } from './weights/names/match';
export type { Naming, WrittenNaming } from './weights/names/namings';
export type { WeightsName } from './weights/published/catalog';
export { readWeights } from './weights/formats/read';
