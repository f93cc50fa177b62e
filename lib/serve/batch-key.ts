/** What a batch has in common: inputs of one dtype and size, and one kind of output. */
export interface BatchKey {
  output: 'logits' | 'features';
  dtype: 'uint8' | 'float32';
  height: number;
  width: number;
}

/** A key of a Map: the same string for equal keys. */
export function batchKeyId({ output, dtype, height, width }: BatchKey): string {
  return `${output} ${dtype} ${height}x${width}`;
}
