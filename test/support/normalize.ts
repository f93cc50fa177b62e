import type { ResolvedPreprocess } from '../../lib/image/preprocess';
import type { NativePicture } from '../../lib/native/addon';
import { runJob } from '../../lib/native/job';
import { Tensor } from '../../lib/tensor';

/** As torchvision's preset: resized, cropped, and (value / 255 - mean) / std; float32 [1, 3, crop, crop]. */
export async function normalized(picture: NativePicture, preprocess: ResolvedPreprocess): Promise<Tensor> {
  const { crop, mean, std } = preprocess;
  const { shape, data } = await runJob((binding) => binding.resizeAndCrop([picture], preprocess));
  expect(shape).toEqual([1, crop, crop, 3]);
  const plane = crop * crop;
  const values = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) values[c * plane + i] = (Number(data[3 * i + c]) / 255 - mean[c]!) / std[c]!;
  }
  return new Tensor(values, [1, 3, crop, crop]);
}
