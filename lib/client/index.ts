export type { ClassifyAnswer, FeaturesAnswer, ServedPrediction, Times } from './answers';
export {
  ResNetClient,
  type ClassifyRequestOptions,
  type ClientOptions,
  type Picture,
  type RequestOptions,
} from './client';
