import type { Model } from './model';
import { INPUTS } from './oip-request';
import { VERSION } from './oip-response';

/** What `GET /v2` answers. */
export function serverMetadata(version: string): object {
  return { name: 'libtorch-resnet', version, extensions: ['binary_tensor_data', 'classification'] };
}

/** What `GET /v2/models/M` answers. */
export function modelMetadata({ name, numClasses }: Pick<Model, 'name' | 'numClasses'>): object {
  return {
    name,
    versions: [VERSION],
    platform: 'libtorch_resnet',
    inputs: Object.entries(INPUTS).map(([input, { datatype, shape }]) => ({ name: input, datatype, shape })),
    outputs: [{ name: 'logits', datatype: 'FP32', shape: [-1, numClasses] }],
  };
}
