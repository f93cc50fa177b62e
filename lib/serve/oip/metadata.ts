import type { Model } from '../model';
import { INPUTS } from './request';
import { VERSION } from './response';

/** Triton's extensions of the protocol that are complete here. */
const EXTENSIONS = ['binary_tensor_data', 'classification', 'model_configuration', 'statistics'];

/** The response of `GET /v2`. */
export function serverMetadata(version: string): object {
  return { name: 'libtorch-resnet', version, extensions: EXTENSIONS };
}

/** The response of `GET /v2/models/M`. */
export function modelMetadata({ name, numClasses }: Pick<Model, 'name' | 'numClasses'>): object {
  return {
    name,
    versions: [VERSION],
    platform: 'libtorch_resnet',
    inputs: Object.entries(INPUTS).map(([input, { datatype, shape }]) => ({ name: input, datatype, shape })),
    outputs: [{ name: 'logits', datatype: 'FP32', shape: [-1, numClasses] }],
  };
}
