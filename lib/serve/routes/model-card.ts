/** What the page shows of a model: one element of `GET /models.json`. */
export interface ModelCard {
  name: string;
  layers: number;
  dtype: string;
  device: string;
  classes: number;
  parameters: number;
  /** Untrained: its answers mean nothing. */
  random: boolean;
  /** The layers as a table. */
  summary: string;
}
