/** One class that a picture may show. */
export interface ServedPrediction {
  label: string;
  /** The number of the class, from 0. */
  index: number;
  /** 0 to 1. */
  score: number;
}

/** Where a request's time went, in milliseconds; of several pictures the longest. */
export interface Times {
  decodeMs: number;
  queueMs: number;
  inferMs: number;
}

/** What `POST /classify` answers, with one result for each picture. */
export interface ClassifyAnswer {
  model: string;
  results: { name: string; predictions: ServedPrediction[] }[];
  times: Times;
}

/** What `POST /features` answers: the network's numbers after pooling. */
export interface FeaturesAnswer {
  model: string;
  results: { name: string; features: number[] }[];
  times: Times;
}
