import { checkInteger, checkOptionsObject, checkSignal } from '../check';
import type { NativePicture } from '../native/addon';
import { IN_PLACE, type OptimizedResNet } from '../optimized';
import { Tensor } from '../tensor';
import { toBatch } from './batch';
import type { Pictures } from './pictures';
import { checkFinite } from './finite';
import { scoresOf } from './scores';
import type { Activation } from '../weights/source/activation';

/** Options of {@link ImageClassifier.explain}. */
export interface ExplainOptions {
  /** The number of the class to explain. Default: the one with the best score. */
  class?: number | undefined;
  /** Aborts; the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** A rectangle in pixels of a picture, from its upper left corner. */
export interface Region {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Which parts of a picture look like a class. */
export interface Explanation {
  /**
   * What each place adds to the class, float32 [H, W] (7 x 7 for a crop of 224): the mean over the map plus the class's
   * bias is its logit. Row i, column j belongs to the pixel (32 j, 32 i) of the crop, the center of what it sees.
   */
  map: Tensor;
  label: string;
  /** The number of the class, from 0. */
  index: number;
  /** 0 to 1: softmax of the network's logits, or the sigmoid of the class's, by the classifier's activation. */
  score: number;
  /** The picture's size in pixels, upright. */
  width: number;
  height: number;
  /** The part that the network saw. Reaches beyond the picture where black was added around it. */
  crop: Region;
}

/** The parts of a classifier that an explanation needs. */
export interface Explainer {
  network: Pick<OptimizedResNet, 'explain'>;
  labels: readonly string[];
  activation: Activation;
  pictures: Pictures;
}

/** The class of `options`, if there is one, and the signal. @throws ERR_ARGUMENT */
export function checkExplain(options: ExplainOptions, numClasses: number): ExplainOptions {
  checkOptionsObject(options, ['class', 'signal']);
  const { class: index } = options;
  if (index !== undefined) checkInteger('class', index, 0, numClasses - 1);
  return { class: index, signal: checkSignal(options) };
}

/**
 * The class activation map (Zhou et al. 2016) of a decoded picture: exact in a ResNet, whose global pooling and last
 * layer are linear.
 *
 * @param options - checked by {@link checkExplain}
 * @throws ERR_NOT_FINITE, or the signal's reason
 */
export async function explainPicture(
  { network, labels, activation, pictures }: Explainer,
  picture: NativePicture,
  { class: classIndex, signal }: ExplainOptions,
): Promise<Explanation> {
  const batch = toBatch([await pictures.resizeAndCrop(picture, signal)]);
  const { logits, classes, maps } = await network.explain(batch, classIndex, { signal, [IN_PLACE]: true });
  for (const { data } of [logits, maps]) checkFinite(data as Float32Array, 'image', 'it');
  const index = Number(classes.data[0]);
  return {
    map: new Tensor(maps.data, maps.shape.slice(1)),
    label: labels[index] ?? '',
    index,
    score: scoresOf(logits.data as Float32Array, activation)[index] ?? 0,
    width: picture.width,
    height: picture.height,
    crop: cropOf(picture, pictures.preprocess),
  };
}

/** The square that preprocessing cuts out, in pixels of the picture before it is resized. */
export function cropOf(
  { width, height }: { width: number; height: number },
  { resize, crop }: { resize: number; crop: number },
): Region {
  const along = (length: number): { start: number; length: number } => {
    // As native/image/preprocess.cpp and torchvision compute it.
    const resized = Math.floor((resize * length) / Math.min(width, height));
    const missing = Math.max(0, crop - resized);
    const start = roundHalfEven((resized + missing - crop) / 2) - Math.floor(missing / 2);
    return { start: (start * length) / resized, length: (crop * length) / resized };
  };
  const [columns, rows] = [along(width), along(height)];
  return { left: columns.start, top: rows.start, width: columns.length, height: rows.length };
}

function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}
