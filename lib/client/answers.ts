/** A predicted class. */
export interface ServedPrediction {
  label: string;
  /** The number of the class, from 0. */
  index: number;
  /** Softmax of the network's logits, 0 to 1. */
  score: number;
}

/** Where a request's time went, in milliseconds; for several pictures the maximum. */
export interface Times {
  decodeMs: number;
  queueMs: number;
  inferMs: number;
}

/** The response of `POST /classify`, with one result per picture, in their order. */
export interface ClassifyAnswer {
  model: string;
  results: { name: string; predictions: ServedPrediction[] }[];
  times: Times;
}

/** The response of `POST /features`: the network's values after global pooling, 512 or 2048 per picture. */
export interface FeaturesAnswer {
  model: string;
  results: { name: string; features: number[] }[];
  times: Times;
}
