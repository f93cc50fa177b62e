import { native, type NativePicture, type NativePreprocess } from '../addon';
import { fromNativeTensor, lookInside, settled, type ForwardOptions } from '../module';
import type { ResNet } from '../resnet';
import type { Tensor } from '../tensor';

/**
 * The features of decoded pictures, one batch: what a search compares and a new last layer learns from.
 *
 * @returns float32 [pictures, 512 or 2,048]
 */
export async function featuresOf(
  extractor: { network: ResNet; preprocess: NativePreprocess; threads: number | undefined },
  pictures: readonly NativePicture[],
  options: ForwardOptions = {},
): Promise<Tensor> {
  const { network, preprocess, threads = 0 } = extractor;
  const x = await settled(() => native((binding) => binding.preprocess(pictures, preprocess)), options.signal);
  return fromNativeTensor(
    await lookInside(network, x, options, (handle, input) => handle.forwardFeatures(input, threads)),
  );
}
