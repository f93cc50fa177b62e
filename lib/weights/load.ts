import type { NativeEntry } from '../addon';
import { ResNetError } from '../errors';
import { Tensor } from '../tensor';

/** Options of {@link Module.loadStateDict}. */
export interface LoadOptions {
  /** True (default): missing and unexpected tensors are an error. */
  strict?: boolean | undefined;
}

/** What loading found. */
export interface LoadReport {
  missing: string[];
  unexpected: string[];
}

type Spec = readonly { name: string; shape: readonly number[] }[];

/** Matches `entries` with a module's state and, where they fit, hands them to `write`. */
export function loadStateInto(
  spec: Spec,
  entries: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
  { strict = true }: LoadOptions,
  write: (matched: NativeEntry[]) => void,
): LoadReport {
  const given: ReadonlyMap<string, Tensor> =
    entries instanceof Map ? (entries as ReadonlyMap<string, Tensor>) : new Map(Object.entries(entries));
  const known = new Set(spec.map(({ name }) => name));
  const missing = spec
    .filter(({ name }) => !given.has(name) && !name.endsWith('num_batches_tracked'))
    .map(({ name }) => name);
  const unexpected = [...given.keys()].filter((name) => !known.has(name));
  const misshapen = spec.filter(
    ({ name, shape }) => given.has(name) && String(given.get(name)?.shape) !== String(shape),
  );
  const problems = [
    ...(strict ? missing.map((name) => `missing ${name}`) : []),
    ...(strict ? unexpected.map((name) => `unexpected ${name}`) : []),
    ...misshapen.map(
      ({ name, shape }) => `${name} must be [${shape.join(', ')}], but is [${String(given.get(name)?.shape)}]`,
    ),
  ];
  if (problems.length > 0) {
    throw new ResNetError(
      'ERR_WEIGHTS_MISMATCH',
      `${problems.length} tensors do not fit: ${problems.slice(0, 10).join('; ')}.`,
    );
  }
  write(
    spec.flatMap(({ name }) => {
      const tensor = given.get(name);
      return tensor === undefined ? [] : [{ name, dtype: tensor.dtype, shape: tensor.shape, data: tensor.data }];
    }),
  );
  return { missing, unexpected };
}
